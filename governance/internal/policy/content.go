package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Module is one Rego source file.
type Module struct {
	Path   string
	Source string
}

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ScanBytes reads a bytea column.
func (d *Digest) ScanBytes(v []byte) error {
	if len(v) != len(d) {
		return fmt.Errorf("scan digest: %d bytes, want %d", len(v), len(d))
	}
	copy(d[:], v)
	return nil
}

// ContentSHA256 returns the digest that identifies the modules and the data document: over each module's path and source, in order, each preceded
// by its length as 8 bytes, big endian. The lengths keep different modules from reading as the same bytes. The document, unless it is nil, follows as
// if it were a module of the path data.json, which no module can have.
func ContentSHA256(modules []Module, data []byte) Digest {
	sum := sha256.New()
	write := func(s string) {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		sum.Write([]byte(s))
	}
	for _, m := range modules {
		write(m.Path)
		write(m.Source)
	}
	if data != nil {
		write(DataPath)
		write(string(data))
	}
	return Digest(sum.Sum(nil))
}

// DataPath is the path under which the data document takes part in digests and comparisons.
const DataPath = "data.json"

// errContent is the cause when what is stored is not what was stored.
var errContent = errors.New("the stored content does not match the version's digest")

// verify fails unless the content is what the digest was made from.
func verify(modules []Module, data []byte, digest Digest) error {
	if ContentSHA256(modules, data) != digest {
		return errs.New(errs.DataLoss, errs.ReasonInternal, "the stored policy version is damaged").Because(errContent)
	}
	return nil
}
