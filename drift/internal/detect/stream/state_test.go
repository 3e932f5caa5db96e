package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"testing"
)

// every returns a configuration for each detector, convention and policy.
func every() (configs []Config) {
	for _, spec := range Catalog() {
		for _, convention := range spec.Conventions {
			for _, policy := range policies {
				if policy == Continue && spec.Kind != ADWIN {
					continue
				}
				c := Config{Kind: spec.Kind, Convention: convention, Policy: policy, Seed: 7}
				configs = append(configs, c)
				if spec.Kind == HDDMA || spec.Kind == HDDMW {
					c.Parameters = map[string]float64{"two_sided": 1}
					configs = append(configs, c)
				}
				if spec.Kind == RDDM {
					c.Parameters = map[string]float64{"max_concept": 500, "min_concept": 100, "warning_limit": 50}
					configs = append(configs, c)
				}
			}
		}
	}
	return configs
}

func must(t testing.TB, c Config) *Stream {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sample has changes in both directions.
func sample() (values []float64) {
	return streamSpec{Kind: "errors", Seed: 99, Segments: [][3]float64{{500, 0.15}, {500, 0.55}, {500, 0.1}, {500, 0.3}}}.values()
}

// TestRoundTrip stores and restores every detector at many places: the copy answers every later value as the original does, and has the same state.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	values := sample()
	for _, c := range every() {
		original := must(t, c)
		copied := must(t, c)
		drifts := 0
		for i, x := range values {
			if i%97 == 0 || i > 0 && original.Zone() != Stable && i%5 == 0 {
				state := copied.State()
				var err error
				if copied, err = Restore(state); err != nil {
					t.Fatalf("%s %s at %d: %v", c.Kind, c.Convention, i, err)
				}
				if !bytes.Equal(copied.State(), state) {
					t.Fatalf("%s %s at %d: the state changed", c.Kind, c.Convention, i)
				}
			}
			a, err1 := original.Update(x)
			b, err2 := copied.Update(x)
			if a != b || err1 != nil || err2 != nil {
				t.Fatalf("%s %s at %d: %s and %s, %v, %v", c.Kind, c.Convention, i, a, b, err1, err2)
			}
			if a == Drifted {
				drifts++
				d, _ := original.Last()
				e, _ := copied.Last()
				if d != e && !math.IsNaN(d.Before) {
					t.Fatalf("%s %s at %d: %+v and %+v", c.Kind, c.Convention, i, d, e)
				}
			}
		}
		if !bytes.Equal(original.State(), copied.State()) || original.Count() != int64(len(values)) {
			t.Errorf("%s %s: states differ", c.Kind, c.Convention)
		}
		if want := (c.Kind != PageHinkley && c.Kind != CUSUM); want && drifts == 0 {
			t.Errorf("%s %s found nothing", c.Kind, c.Convention)
		}
		if config := copied.Config(); config.Kind != c.Kind || config.Policy != c.Policy || !maps.Equal(config.Parameters, original.Config().Parameters) {
			t.Errorf("got %+v", config)
		}
	}
}

// seal gives a changed state the checksum that belongs to it.
func seal(state []byte) []byte {
	body := state[:len(state)-4]
	return binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.ChecksumIEEE(body))
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	s := must(t, Config{Kind: DDM})
	state := s.State()
	other := func(change func(state []byte) []byte) []byte { return change(slices.Clone(state)) }
	for name, bad := range map[string][]byte{
		"nothing":            nil,
		"too short":          state[:5],
		"another version":    other(func(b []byte) []byte { b[0] = 2; return seal(b) }),
		"another detector":   other(func(b []byte) []byte { b[1] = 200; return seal(b) }),
		"a wrong checksum":   other(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }),
		"a flipped bit":      other(func(b []byte) []byte { b[20] ^= 1; return b }),
		"one byte more":      seal(append(slices.Clone(state), 0)),
		"one byte less":      seal(state[:len(state)-1]),
		"a convention":       other(func(b []byte) []byte { b[2] = 9; return seal(b) }),
		"a policy":           other(func(b []byte) []byte { b[3] = 9; return seal(b) }),
		"another detector's": other(func(b []byte) []byte { b[1] = 1; return seal(b) }),
	} {
		if _, err := Restore(bad); !errors.Is(err, ErrState) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// FuzzRestore changes states: each is refused, or belongs to a stream that goes on without a panic.
func FuzzRestore(f *testing.F) {
	for _, c := range every() {
		s := must(f, c)
		for _, x := range sample()[:700] {
			if _, err := s.Update(x); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(s.State(), 30, byte(0xff))
	}
	f.Fuzz(func(t *testing.T, state []byte, at int, with byte) {
		if len(state) < 6 {
			return
		}
		state = slices.Clone(state)
		state[uint(at)%uint(len(state)-4)] ^= with
		s, err := Restore(seal(state))
		if err != nil {
			return
		}
		for i := range 300 {
			if _, err := s.Update(float64(i & 1)); err != nil && !errors.Is(err, ErrFull) {
				t.Fatal(err)
			}
		}
		s.State()
	})
}
