package postgres

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// scramIterations is the iteration count of PostgreSQL's own verifiers.
const scramIterations = 4096

// scramVerifier returns what PostgreSQL stores for a password, in the form of its pg_authid.rolpassword (PostgreSQL documentation, catalog
// pg_authid; RFC 5803): the server then never sees the password. Only printable ASCII is taken, for which RFC 4013 (SASLprep) changes nothing.
func scramVerifier(password string) (string, error) {
	for _, r := range password {
		if r < ' ' || r > '~' {
			return "", errors.New("it has a character outside printable ASCII")
		}
	}
	salt := make([]byte, 16)
	rand.Read(salt) // documented never to fail
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("derive key: %w", err)
	}
	stored := sha256.Sum256(keyed(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramIterations, encode(salt), encode(stored[:]), encode(keyed(salted, "Server Key"))), nil
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
