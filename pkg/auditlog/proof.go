package auditlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// proofHeader is the first line of a proof (c2sp.org/tlog-proof).
const proofHeader = "c2sp.org/tlog-proof@v1"

// maxProofHashes is the height of the largest tree.
const maxProofHashes = 63

// Proof shows that a leaf is in a log: a receipt that verifies offline.
type Proof struct {
	// Extra is data of the application. Receipts of the wall carry the leaf hash here: the proof below vouches for it, so that a receipt
	// verifies without the entry, and names the entry's bytes to whoever has them.
	Extra []byte
	// Index is the leaf's position.
	Index int64
	// Hashes lead from the leaf's sibling up to the root's child (RFC 6962, section 2.1.1).
	Hashes []tlog.Hash
	// Checkpoint is the signed note of the tree that the leaf is in, verbatim.
	Checkpoint string
}

// String returns the proof's text, which files with the extension .tlog-proof hold.
func (p Proof) String() string {
	var b strings.Builder
	b.WriteString(proofHeader + "\n")
	if len(p.Extra) > 0 {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Extra) + "\n")
	}
	b.WriteString("index " + strconv.FormatInt(p.Index, 10) + "\n")
	for _, h := range p.Hashes {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n" + p.Checkpoint)
	return b.String()
}

// ParseProof reads a proof's text. Only the one canonical form is accepted: String returns text again.
func ParseProof(text string) (Proof, error) {
	head, checkpoint, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != proofHeader {
		return Proof{}, errors.New("read proof: not a " + proofHeader)
	}
	p := Proof{Checkpoint: checkpoint}
	lines = lines[1:]
	if len(lines) > 0 {
		if extra, ok := strings.CutPrefix(lines[0], "extra "); ok {
			var err error
			if p.Extra, err = base64.StdEncoding.Strict().DecodeString(extra); err != nil || strings.Contains(extra, "\r") || extra == "" {
				return Proof{}, errors.New("read proof: the extra line is not base64")
			}
			lines = lines[1:]
		}
	}
	if len(lines) == 0 {
		return Proof{}, errors.New("read proof: no index line")
	}
	index, ok := strings.CutPrefix(lines[0], "index ")
	if !ok {
		return Proof{}, errors.New("read proof: no index line")
	}
	var err error
	if p.Index, err = parseDecimal(index); err != nil {
		return Proof{}, fmt.Errorf("read proof: index: %w", err)
	}
	lines = lines[1:]
	if len(lines) > maxProofHashes {
		return Proof{}, fmt.Errorf("read proof: %d hashes", len(lines))
	}
	for _, line := range lines {
		h, err := parseHash(line)
		if err != nil {
			return Proof{}, fmt.Errorf("read proof: %w", err)
		}
		p.Hashes = append(p.Hashes, h)
	}
	return p, nil
}

// ErrNotIncluded says that a proof's hashes do not lead from the leaf to the checkpoint's root.
var ErrNotIncluded = errors.New("the proof does not lead from the leaf to the checkpoint's root hash")

// Verify checks that a trusted key signed the proof's checkpoint and that the leaf is in its tree at the proof's index. Errors are those of Open
// and ErrNotIncluded.
func (p Proof) Verify(leafHash tlog.Hash, trusted Keyring) (Checkpoint, []string, error) {
	c, signedBy, err := Open(p.Checkpoint, trusted)
	if err != nil && !errors.Is(err, ErrUnknownKey) {
		return Checkpoint{}, nil, err
	}
	if tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, leafHash) != nil {
		return Checkpoint{}, nil, ErrNotIncluded
	}
	return c, signedBy, err
}
