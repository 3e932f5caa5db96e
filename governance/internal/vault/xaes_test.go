package vault

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The vectors of c2sp.org/XAES-256-GCM.
func TestXAESVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, bound, want string }{
		{"01", "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{"03", "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		key, _ := hex.DecodeString(tt.key)
		s, err := newSealer(bytes.Repeat(key, keySize))
		if err != nil {
			t.Fatal(err)
		}
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		sealed, err := s.sealWith(bytes.Clone(nonce), []byte("XAES-256-GCM"), []byte(tt.bound))
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(sealed[nonceSize:]); got != tt.want {
			t.Errorf("key %s: %s, want %s", tt.key, got, tt.want)
		}
	}
}
