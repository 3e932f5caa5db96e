package auditlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// signatureMark begins a signature line: an em dash and a space (c2sp.org/signed-note).
const signatureMark = "— "

// maxSignatures is how many signatures package note reads in one note.
const maxSignatures = 100

// validKeyName reports whether a key may have the name: signature lines and verifier keys must be able to hold it.
func validKeyName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsSpace) && !strings.Contains(name, "+")
}

// signatureKey returns the key that a signature line names, as name and hash.
func signatureKey(line string) (key string, ok bool) {
	rest, ok := strings.CutPrefix(line, signatureMark)
	if !ok {
		return "", false
	}
	name, encoded, ok := strings.Cut(rest, " ")
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(raw) < 5 || !validKeyName(name) || strings.ContainsAny(encoded, "\r\n") {
		return "", false
	}
	return fmt.Sprintf("%s+%08x", name, raw[:4]), true
}

// AddSignatures appends signature lines, with or without their line feeds, to a signed note. A line by a key that the note already has a signature
// of is left out, so adding the same again changes nothing. It checks the lines' form, not the signatures.
func AddSignatures(signed string, lines ...string) (string, error) {
	_, signatures, ok := strings.Cut(signed, "\n\n"+signatureMark)
	if !ok || !strings.HasSuffix(signed, "\n") {
		return "", errors.New("add signatures: not a signed note")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(signatureMark + signatures) {
		key, ok := signatureKey(strings.TrimSuffix(line, "\n"))
		if !ok {
			return "", errors.New("add signatures: not a signed note")
		}
		seen[key] = true
	}
	merged := strings.Builder{}
	merged.WriteString(signed)
	for _, line := range lines {
		line = strings.TrimSuffix(line, "\n")
		key, ok := signatureKey(line)
		switch {
		case !ok:
			return "", fmt.Errorf("add signatures: %q is no signature line", line)
		case seen[key]:
			continue
		case len(seen) == maxSignatures:
			return "", fmt.Errorf("add signatures: more than %d", maxSignatures)
		}
		seen[key] = true
		merged.WriteString(line + "\n")
	}
	return merged.String(), nil
}
