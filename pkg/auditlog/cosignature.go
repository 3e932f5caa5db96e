package auditlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// algCosignature is the signature type of c2sp.org/tlog-cosignature for Ed25519.
const algCosignature = 4

// cosignatureSize is that of a timestamp and an Ed25519 signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// WitnessKey is the public key of a witness. Its signatures on checkpoints are cosignatures (c2sp.org/tlog-cosignature, version 1 with Ed25519):
// at the time in it, this was the largest head of the log that the witness had seen, and it contained every head that it had seen before.
type WitnessKey struct {
	name   string
	public ed25519.PublicKey
}

// ParseWitnessKey reads a key in the verifier format "name+hash+base64" of c2sp.org/signed-note, of the signature type 0x04.
func ParseWitnessKey(vkey string) (WitnessKey, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	_, encoded, _ := strings.Cut(rest, "+")
	material, err := base64.StdEncoding.Strict().DecodeString(encoded)
	switch {
	case err != nil || len(material) == 0:
		return WitnessKey{}, fmt.Errorf("witness key %q: not in the form name+hash+base64", vkey)
	case material[0] != algCosignature:
		return WitnessKey{}, fmt.Errorf("witness key %q: its type is 0x%02x, supported is 0x04 (Ed25519 cosignatures)", vkey, material[0])
	case len(material) != 1+ed25519.PublicKeySize:
		return WitnessKey{}, fmt.Errorf("witness key %q: %d bytes are no Ed25519 key", vkey, len(material)-1)
	case !validKeyName(name):
		return WitnessKey{}, fmt.Errorf("witness key %q: its name has spaces or is no UTF-8", vkey)
	}
	k := WitnessKey{name: name, public: material[1:]}
	if k.VKey() != vkey {
		return WitnessKey{}, fmt.Errorf("witness key %q: its hash is not %08x, or it is not in canonical form", vkey, k.KeyHash())
	}
	return k, nil
}

// VKey returns the key in the verifier format.
func (k WitnessKey) VKey() string {
	return k.name + "+" + k.ID() + "+" + base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, k.public...))
}

// Name is the witness's name, which its signature lines begin with.
func (k WitnessKey) Name() string { return k.name }

// KeyHash is the truncated hash by which a signature line names the key.
func (k WitnessKey) KeyHash() uint32 {
	sum := sha256.New()
	sum.Write([]byte(k.name + "\n"))
	sum.Write([]byte{algCosignature})
	sum.Write(k.public)
	return binary.BigEndian.Uint32(sum.Sum(nil))
}

// ID is KeyHash in eight hexadecimal digits.
func (k WitnessKey) ID() string { return fmt.Sprintf("%08x", k.KeyHash()) }

// Verify reports whether a cosignature, without the key's hash before it, is the key's for a note's text. With Name and KeyHash it makes a key a
// note.Verifier.
func (k WitnessKey) Verify(text, signature []byte) bool {
	if len(signature) != cosignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(signature)
	if seconds > math.MaxInt64 {
		return false
	}
	return ed25519.Verify(k.public, cosigned(text, seconds), signature[8:])
}

// cosigned returns what a witness signs.
func cosigned(text []byte, seconds uint64) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(seconds, 10)+"\n"), text...)
}

// Cosignature is a witness's signature on a checkpoint, verified.
type Cosignature struct {
	Key WitnessKey
	// Time is when the witness made it, in whole seconds; its own clock's.
	Time time.Time
	// Line is the signature line without its line feed.
	Line string
}

// Cosignatures returns the cosignatures of a signed checkpoint that are by one of the keys, in the note's order; signatures by others do not count.
// It fails with ErrBadSignature when a line in the name of one of the keys does not verify, for then the note was altered.
func Cosignatures(signed string, keys ...WitnessKey) ([]Cosignature, error) {
	verifiers := make([]note.Verifier, len(keys))
	for i, k := range keys {
		verifiers[i] = k
	}
	n, err := openNote(signed, note.VerifierList(verifiers...))
	if errors.Is(err, ErrUnknownKey) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := make([]Cosignature, len(n.Sigs))
	for i, s := range n.Sigs {
		for _, k := range keys {
			if k.name == s.Name && k.KeyHash() == s.Hash {
				found[i].Key = k
			}
		}
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(raw) != 4+cosignatureSize { // Verify has seen it
			return nil, fmt.Errorf("read cosignature of %s: %w", s.Name, err)
		}
		found[i].Time = time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC() // Verify refuses larger ones
		found[i].Line = signatureMark + s.Name + " " + s.Base64
	}
	return found, nil
}

// openNote reads a signed checkpoint with the signatures by known keys. It fails as Open does, and returns the note with ErrUnknownKey, too.
func openNote(signed string, known note.Verifiers) (*note.Note, error) {
	n, err := note.Open([]byte(signed), known)
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		if _, err := parseText(unverified.Note.Text); err != nil {
			return nil, err
		}
		return unverified.Note, ErrUnknownKey
	case errors.As(err, &invalid):
		return nil, fmt.Errorf("%w: %s+%08x", ErrBadSignature, invalid.Name, invalid.Hash)
	case err != nil:
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	if _, err := parseText(n.Text); err != nil {
		return nil, err
	}
	for _, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil { // package note ignores spare bits: the bytes could change unseen
			return nil, fmt.Errorf("read checkpoint: signature of %s: %w", s.Name, err)
		}
	}
	return n, nil
}

// CosigningKey is a witness's private key: for tests, and for whoever runs a witness of their own.
type CosigningKey struct {
	WitnessKey
	private ed25519.PrivateKey
}

// NewCosigningKey makes the key of a witness from an Ed25519 seed. The seed must serve nothing else: what is signed does not say in whose name.
func NewCosigningKey(name string, seed []byte) (CosigningKey, error) {
	if len(seed) != ed25519.SeedSize || !validKeyName(name) {
		return CosigningKey{}, fmt.Errorf("cosigning key %q: want a name without spaces and a seed of %d bytes", name, ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public := make(ed25519.PublicKey, ed25519.PublicKeySize)
	copy(public, private[ed25519.SeedSize:])
	return CosigningKey{WitnessKey: WitnessKey{name: name, public: public}, private: private}, nil
}

// Cosign returns the witness's signature line, with its line feed, for a signed checkpoint. It checks nothing of what a witness must check.
func (k CosigningKey) Cosign(signed string, at time.Time) (string, error) {
	text, _, ok := strings.Cut(signed, "\n\n")
	if _, err := parseText(text + "\n"); !ok || err != nil {
		return "", errors.Join(errors.New("cosign: not a signed checkpoint"), err)
	}
	seconds := uint64(max(at.Unix(), 0)) // not negative
	raw := binary.BigEndian.AppendUint32(nil, k.KeyHash())
	raw = binary.BigEndian.AppendUint64(raw, seconds)
	raw = append(raw, ed25519.Sign(k.private, cosigned([]byte(text+"\n"), seconds))...)
	return signatureMark + k.name + " " + base64.StdEncoding.EncodeToString(raw) + "\n", nil
}
