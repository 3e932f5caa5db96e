package auditlog

import "time"

// SignedHead is a log's head with the note that signs it.
type SignedHead struct {
	Checkpoint
	// Note is the C2SP signed note.
	Note string
	// KeyIDs are the keys that signed it, as in the note's signature lines.
	KeyIDs []string
	// SignedTime is when it was signed.
	SignedTime time.Time
}
