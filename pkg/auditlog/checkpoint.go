package auditlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxTreeSize bounds the sizes that are accepted: package tlog computes powers of two above a size in an int64 and would not end for the largest.
const maxTreeSize = 1 << 60

// Checkpoint is the head of a log: what a signed note commits to (c2sp.org/tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Text returns the note's text, the part that is signed.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// Sign returns the signed note, with one signature line for each key in the order given, and the keys' ids as in those lines.
func (c Checkpoint) Sign(keys ...SigningKey) (signed string, keyIDs []string, err error) {
	if len(keys) == 0 {
		return "", nil, errors.New("sign checkpoint: no key")
	}
	signers := make([]note.Signer, len(keys))
	keyIDs = make([]string, len(keys))
	for i, k := range keys {
		signers[i] = originSigner{key: k, origin: c.Origin}
		keyIDs[i] = fmt.Sprintf("%08x", k.keyID(c.Origin))
	}
	msg, err := note.Sign(&note.Note{Text: c.Text()}, signers...)
	if err != nil {
		return "", nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return string(msg), keyIDs, nil
}

// ErrUnknownKey says that a checkpoint is well formed but none of the trusted keys signed it.
var ErrUnknownKey = errors.New("no trusted key signed the checkpoint")

// ErrBadSignature says that a signature in the name of a trusted key does not fit: the checkpoint was altered.
var ErrBadSignature = errors.New("a trusted key's signature on the checkpoint does not verify")

// Open checks a signed checkpoint against the trusted keys that carry its origin as their name, and returns it with the ids of the keys that
// signed it. It fails with ErrUnknownKey, in which case the checkpoint is returned all the same, ErrBadSignature, or a note about its form.
func Open(signed string, trusted Keyring) (c Checkpoint, signedBy []string, err error) {
	origin, _, _ := strings.Cut(signed, "\n")
	n, err := note.Open([]byte(signed), trusted.only(origin))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		if c, err = parseText(unverified.Note.Text); err != nil {
			return Checkpoint{}, nil, err
		}
		return c, nil, ErrUnknownKey
	case errors.As(err, &invalid):
		return Checkpoint{}, nil, fmt.Errorf("%w: %s+%08x", ErrBadSignature, invalid.Name, invalid.Hash)
	case err != nil:
		return Checkpoint{}, nil, fmt.Errorf("read checkpoint: %w", err)
	}
	if c, err = parseText(n.Text); err != nil {
		return Checkpoint{}, nil, err
	}
	for _, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil { // package note ignores spare bits: the bytes could change unseen
			return Checkpoint{}, nil, fmt.Errorf("read checkpoint: signature of %s: %w", s.Name, err)
		}
		signedBy = append(signedBy, fmt.Sprintf("%s+%08x", s.Name, s.Hash))
	}
	return c, signedBy, nil
}

// Read returns what a signed checkpoint says without checking who says it.
func Read(signed string) (Checkpoint, error) {
	c, _, err := Open(signed, Keyring{})
	if !errors.Is(err, ErrUnknownKey) {
		return Checkpoint{}, err
	}
	return c, nil
}

// parseText reads a note's text. Extension lines are allowed by the specification and mean nothing here.
func parseText(text string) (Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return Checkpoint{}, errors.New("read checkpoint: fewer than three lines")
	}
	if slices.Contains(lines, "") {
		return Checkpoint{}, errors.New("read checkpoint: an empty line in the text")
	}
	size, err := parseDecimal(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint: tree size: %w", err)
	}
	if size > maxTreeSize {
		return Checkpoint{}, fmt.Errorf("read checkpoint: tree size %d is beyond %d", size, int64(maxTreeSize))
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint: root hash: %w", err)
	}
	if size == 0 && root != emptyRoot() {
		return Checkpoint{}, errors.New("read checkpoint: an empty tree with a root hash that is not the empty tree's")
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// parseDecimal reads an ASCII decimal without sign or leading zeros.
func parseDecimal(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%q is not a canonical decimal", s)
	}
	return n, nil
}

// parseHash reads the one standard base64 form of a hash.
func parseHash(s string) (tlog.Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || strings.ContainsAny(s, "\r\n") {
		return tlog.Hash{}, fmt.Errorf("%q is not the base64 of a SHA-256 hash", s)
	}
	return tlog.Hash(b), nil
}
