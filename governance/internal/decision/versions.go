package decision

import (
	"sync"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// versionKey names a compiled version. The tenant is part of it, although ids are unique, so that no mistake elsewhere can cross tenants.
type versionKey struct {
	tenant  tenant.ID
	version uuid.UUID
}

// versions keeps the compiled versions that were used last, as many as fit into the memory for them. It is the only place that holds on to them.
type versions struct {
	room int64

	mu    sync.Mutex
	used  *simplelru.LRU[versionKey, *rego.Compiled] // guarded by mu
	bytes int64                                      // that they take; guarded by mu
}

// maxVersions is far above what any memory has room for.
const maxVersions = 1 << 24

func newVersions(room int64) (*versions, error) {
	v := &versions{room: room}
	var err error
	v.used, err = simplelru.NewLRU(maxVersions, func(_ versionKey, c *rego.Compiled) { v.bytes -= c.Size() })
	return v, err
}

func (v *versions) get(key versionKey) (*rego.Compiled, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.used.Get(key)
}

// add keeps the version. One that is larger than all the room is kept alone.
func (v *versions) add(key versionKey, c *rego.Compiled) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.used.Remove(key)
	v.used.Add(key, c)
	for v.bytes += c.Size(); v.bytes > v.room && v.used.Len() > 1; {
		v.used.RemoveOldest()
	}
}

// size returns how many versions are kept, and what they take.
func (v *versions) size() (n int, bytes int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.used.Len(), v.bytes
}
