package auditlog

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/google/uuid"
)

// idSet remembers ids up to a limit, 16 bytes each in an open-addressed table: a map would take three times the memory and the time.
type idSet struct {
	limit int64
	count int64
	seed  maphash.Seed
	slots []uuid.UUID // the zero UUID is a free slot; validation keeps it from being an id
}

func newIDSet(limit int64) *idSet {
	return &idSet{limit: limit, seed: maphash.MakeSeed(), slots: make([]uuid.UUID, 64)}
}

// add remembers an id and reports whether it was there before. Beyond the limit new ids are only compared.
func (s *idSet) add(id uuid.UUID) (seen bool) {
	slot := s.find(id)
	if s.slots[slot] == id {
		return true
	}
	if s.count >= s.limit {
		return false
	}
	s.slots[slot] = id
	s.count++
	if s.count*4 > int64(len(s.slots))*3 {
		s.grow()
	}
	return false
}

func (s *idSet) find(id uuid.UUID) int {
	mask := len(s.slots) - 1
	// Seeded, so that nobody can choose ids that collide.
	i := int(maphash.Comparable(s.seed, [2]uint64{binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])})) & mask // masked
	for s.slots[i] != uuid.Nil && s.slots[i] != id {
		i = (i + 1) & mask
	}
	return i
}

func (s *idSet) grow() {
	old := s.slots
	s.slots = make([]uuid.UUID, 2*len(old))
	for _, id := range old {
		if id != uuid.Nil {
			s.slots[s.find(id)] = id
		}
	}
}
