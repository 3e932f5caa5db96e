package stream

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

// ErrState says that bytes are not a state of this version: of another one, damaged, or impossible.
var ErrState = errors.New("not a detector's state of this version")

// stateVersion is the first byte of every state. A change of what any detector keeps takes another one.
const stateVersion = 1

// The codes of conventions are their places in the catalog, and of policies those here: both only grow.
var policies = []Policy{Restart, Hold, Continue} //nolint:gochecknoglobals // a constant table

var directions = []Direction{Changed, Increase, Decrease} //nolint:gochecknoglobals // a constant table

// State returns the stream as bytes: version, detector, settings, position, the detector's numbers, and a CRC-32 of all of it.
func (s *Stream) State() []byte {
	spec, _ := find(s.config.Kind)
	c := &codec{buffer: []byte{stateVersion, spec.code}}
	s.exchange(c, spec)
	return binary.LittleEndian.AppendUint32(c.buffer, crc32.ChecksumIEEE(c.buffer))
}

// Restore returns the stream that State was called of: both answer every later value alike. It fails with ErrState.
func Restore(state []byte) (*Stream, error) {
	if len(state) < 6 || state[0] != stateVersion {
		return nil, ErrState
	}
	body, sum := state[:len(state)-4], binary.LittleEndian.Uint32(state[len(state)-4:])
	i := slices.IndexFunc(catalog, func(s Spec) bool { return s.code == state[1] })
	if i < 0 || crc32.ChecksumIEEE(body) != sum {
		return nil, ErrState
	}
	s := &Stream{config: Config{Kind: catalog[i].Kind}}
	c := &codec{buffer: body[2:], reading: true}
	s.exchange(c, catalog[i])
	if c.bad || len(c.buffer) != 0 {
		return nil, ErrState
	}
	return s, nil
}

func (s *Stream) exchange(c *codec, spec Spec) {
	s.exchangeConfig(c, spec)
	if c.bad {
		return
	}
	if c.reading {
		s.clear()
	}
	zone, direction := byte(s.zone), byte(max(0, slices.Index(directions, s.last.Direction)))
	c.count(&s.count)
	c.octet(&zone)
	c.count(&s.drifts)
	c.between(&s.warning, -1, maxCount)
	c.count(&s.last.Index)
	c.count(&s.last.Began)
	c.octet(&direction)
	hasBefore := s.last.Before == s.last.Before
	c.flag(&hasBefore)
	before := s.last.Before
	if !hasBefore {
		before = 0
	}
	c.finite(&before, MaxValue)
	c.finite(&s.last.After, MaxValue)
	c.require(Zone(zone) <= Drifted && int(direction) < len(directions) && s.warning < s.count && (s.warning >= 0) == (Zone(zone) == Warning))
	c.require(s.last.Began <= s.last.Index && s.last.Index <= s.count && (Zone(zone) != Drifted || s.drifts > 0))
	if c.bad {
		return
	}
	if c.reading {
		s.zone, s.last.Direction, s.last.Before = Zone(zone), directions[direction], before
		if !hasBefore {
			s.last.Before = mean(0, 0)
		}
	}
	s.detector.exchange(c)
}

// exchangeConfig exchanges the settings. Those that are read are checked as those of a new stream.
func (s *Stream) exchangeConfig(c *codec, spec Spec) {
	convention := byte(max(0, slices.Index(spec.Conventions, s.config.Convention)))
	policy := byte(max(0, slices.Index(policies, s.config.Policy)))
	c.octet(&convention)
	c.octet(&policy)
	c.word(&s.config.Seed)
	values := make(map[string]float64, len(spec.Parameters))
	for _, p := range spec.Parameters {
		value := s.config.Parameters[p.Name]
		c.float(&value)
		values[p.Name] = value
	}
	if !c.reading || c.bad {
		return
	}
	if int(convention) >= len(spec.Conventions) || int(policy) >= len(policies) {
		c.bad = true
		return
	}
	s.config.Convention, s.config.Policy, s.config.Parameters = spec.Conventions[convention], policies[policy], values
	config, err := s.config.Complete()
	if err != nil {
		c.bad = true
		return
	}
	s.config = config
}

// At returns a stream whose detector has just been reset after count values and as many drifts, for when its state is lost.
func At(c Config, count, drifts int64) (*Stream, error) {
	if count < 0 || count > maxCount || drifts < 0 || drifts > count {
		return nil, ErrState
	}
	s, err := New(c)
	if err != nil {
		return nil, err
	}
	s.count, s.drifts = count, drifts
	return s, nil
}
