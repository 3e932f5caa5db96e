// Package bundle makes the signed OPA bundles in which the active policies of a tenant reach sidecars. It owns what stands in a bundle, how it is signed, and
// the keys. A bundle is a function of the policies and the key: every replica makes the same bytes.
//
// In a bundle the versions share one document, which they do not when we evaluate them: each version's packages and data are moved under a root of
// its own, and every reference to `data` with them. Generated rules put the answers where sidecars ask: data.aumos.policy["<name>"] and
// data.aumos.decision_point["<point>"], with the schema of results and the combination of answers that decisions here have.
package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// Policy is a policy with an active version.
type Policy struct {
	ID             uuid.UUID
	Name           string
	VersionID      uuid.UUID
	ContentSHA256  [sha256.Size]byte
	DecisionPoints []string
	Quarantined    bool // the version gives no answers
}

// Bundle is a tenant's bundle.
type Bundle struct {
	Revision string
	Policies []Policy // by name
	Bytes    []byte
	SHA256   [sha256.Size]byte
	KeyID    string // of the key that signed it
}

// ETag is the strong entity tag of the bytes.
func (b *Bundle) ETag() string { return `"` + hex.EncodeToString(b.SHA256[:]) + `"` }

// layout changes whenever the same policies make another bundle than before.
const layout = "2"

// RevisionOf identifies the bundle of the policies, which are ordered by name. The engine's version is part of it: it decides which versions compile.
func RevisionOf(policies []Policy) string {
	sum := sha256.New()
	write := func(s string) {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s)))) // so that different policies never read as the same bytes
		sum.Write([]byte(s))
	}
	write(layout)
	write(rego.EngineVersion())
	for _, p := range policies {
		write(p.Name)
		write(string(p.ID[:]))
		write(string(p.VersionID[:]))
		write(string(p.ContentSHA256[:]))
		write(strconv.FormatBool(p.Quarantined))
		write(string(binary.BigEndian.AppendUint64(nil, uint64(len(p.DecisionPoints)))))
		for _, point := range p.DecisionPoints {
			write(point)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Build makes the bundle of the policies, which are ordered by name; parts are their versions. The scope, the tenant, is signed with the content: a sidecar
// that names it refuses the bundle of another tenant.
func Build(policies []Policy, parts map[uuid.UUID]*Part, key *Key, scope string) (*Bundle, error) {
	b := &Bundle{Revision: RevisionOf(policies), Policies: slices.Clone(policies), KeyID: key.ID}
	files := []file{{name: "aumos/result.rego", body: []byte(resultModule)}}
	document := data{}
	for _, p := range policies {
		part := parts[p.VersionID]
		files = append(files, part.files...)
		if len(part.data) > 0 {
			document[rootName(p.VersionID)] = part.data
		}
	}
	entries, err := entryModule(policies, parts)
	if err != nil {
		return nil, err
	}
	files = append(files, file{name: "aumos/policies.rego", body: entries})
	if b.Bytes, err = archive(files, document, b.Revision, key, scope); err != nil {
		return nil, err
	}
	b.SHA256 = sha256.Sum256(b.Bytes)
	return b, nil
}

// size is the memory that the bundle takes, about.
func (b *Bundle) size() int { return len(b.Bytes) + 1024 + 512*len(b.Policies) }
