package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// XAES-256-GCM (c2sp.org/XAES-256-GCM): AES-256-GCM under a key derived from the first half of a random 192-bit nonce. With GCM's own 96 bits a
// key may encrypt 2³² messages, which a busy tenant reaches within days; here the number does not matter.
const (
	keySize   = 32
	nonceSize = 24
	tagSize   = 16
	// overhead is how much longer what is sealed is.
	overhead = nonceSize + tagSize
)

var errSealed = errors.New("it does not open: another key, or changed")

// sealer encrypts under one key. It is immutable.
type sealer struct {
	block cipher.Block
	k1    [aes.BlockSize]byte
}

func newSealer(key []byte) (*sealer, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("a key has %d bytes", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	s := &sealer{block: block}
	// K1 of CMAC (NIST SP 800-38B, section 6.1).
	block.Encrypt(s.k1[:], s.k1[:])
	var carry byte
	for i := len(s.k1) - 1; i >= 0; i-- {
		s.k1[i], carry = s.k1[i]<<1|carry, s.k1[i]>>7
	}
	s.k1[len(s.k1)-1] ^= carry * 0b10000111
	return s, nil
}

// derive returns the cipher of a nonce's first half.
func (s *sealer) derive(nonce []byte) (cipher.AEAD, error) {
	key := make([]byte, 0, keySize)
	for _, counter := range []byte{1, 2} {
		m := [aes.BlockSize]byte{0, counter, 'X', 0}
		copy(m[4:], nonce[:12])
		for i := range m {
			m[i] ^= s.k1[i]
		}
		s.block.Encrypt(m[:], m[:])
		key = append(key, m[:]...)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// seal encrypts under a random nonce, with which the result begins.
func (s *sealer) seal(plain, bound []byte) ([]byte, error) {
	nonce := make([]byte, nonceSize, len(plain)+overhead)
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return s.sealWith(nonce, plain, bound)
}

func (s *sealer) sealWith(nonce, plain, bound []byte) ([]byte, error) {
	aead, err := s.derive(nonce)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nonce, nonce[12:], plain, bound), nil
}

// open is the inverse of seal, for the same bound bytes.
func (s *sealer) open(sealed, bound []byte) ([]byte, error) {
	if len(sealed) < overhead {
		return nil, errSealed
	}
	aead, err := s.derive(sealed)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, sealed[12:nonceSize], sealed[nonceSize:], bound)
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
