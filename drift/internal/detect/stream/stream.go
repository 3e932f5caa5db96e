package stream

import "errors"

// Errors of Update. The value that caused one has not been taken.
var (
	ErrNotFinite  = errors.New("value is not finite")
	ErrOutOfRange = errors.New("value is out of the detector's range")
	ErrFull       = errors.New("stream has had as many values as can be counted")
)

// Stream is a detector with its position in the values that it reads.
type Stream struct {
	config   Config
	detector detector

	low, high float64 // what values are between
	binary    bool    // and whether they are one of 0 and 1

	count   int64 // values taken
	zone    Zone
	drifts  int64
	warning int64 // the first value of the present warning zone; -1 outside one
	last    Drift // valid when drifts > 0
}

// New returns a stream without values. It fails with a *FieldError.
func New(c Config) (*Stream, error) {
	c, err := c.Complete()
	if err != nil {
		return nil, err
	}
	s := &Stream{config: c}
	s.clear()
	return s, nil
}

// clear makes the detector anew.
func (s *Stream) clear() {
	spec, _ := find(s.config.Kind) // exists: the configuration is complete
	s.zone, s.warning = Stable, -1
	s.low, s.high, s.binary = 0, 1, spec.Input == Errors
	if spec.Input == Numbers {
		s.low, s.high = -MaxValue, MaxValue
	}
	s.detector = spec.make(settings{parameters: s.config.Parameters, convention: s.config.Convention, seed: s.config.Seed})
}

// Config returns the configuration, complete.
func (s *Stream) Config() Config { return s.config }

// Count returns how many values the stream has taken.
func (s *Stream) Count() int64 { return s.count }

// Zone returns the answer to the last value; Stable before the first and after a reset.
func (s *Stream) Zone() Zone { return s.zone }

// Drifts returns how many drifts were found.
func (s *Stream) Drifts() int64 { return s.drifts }

// WarningBegan returns the first value of the warning zone that the stream is in, and whether it is in one.
func (s *Stream) WarningBegan() (int64, bool) { return s.warning, s.zone == Warning }

// Last returns the last drift that was found, and whether there was one.
func (s *Stream) Last() (Drift, bool) { return s.last, s.drifts > 0 }

// Update takes a value and returns the zone that the stream is in. It fails with ErrNotFinite, ErrOutOfRange or ErrFull, and then leaves the
// stream as it was. After Drifted, Last describes the drift, unless the policy holds an earlier one: Drifts counts them.
func (s *Stream) Update(x float64) (Zone, error) {
	if err := s.Check(x); err != nil {
		return s.zone, err
	}
	if s.count == maxCount {
		return s.zone, ErrFull
	}
	s.count++
	if s.zone == Drifted {
		switch s.config.Policy {
		case Hold:
			return Drifted, nil
		case Restart:
			s.detector.restart()
		case Continue:
		}
	}
	zone := s.detector.update(x)
	if zone == Stable && s.zone == Stable {
		return Stable, nil
	}
	s.enter(zone)
	return zone, nil
}

// enter notes the zone of the last value.
func (s *Stream) enter(zone Zone) {
	index := s.count - 1
	switch zone {
	case Warning:
		if s.zone != Warning {
			s.warning = index
		}
	case Drifted:
		s.warning = -1
		s.drifts++
		c := s.detector.change()
		length := min(max(c.length, 1), s.count)
		s.last = Drift{Index: index, Began: s.count - length, Direction: Changed, Before: c.before, After: c.after}
		switch {
		case c.after > c.before:
			s.last.Direction = Increase
		case c.after < c.before:
			s.last.Direction = Decrease
		}
	case Stable:
		s.warning = -1
	}
	s.zone = zone
}

// Check says whether Update would take the value.
func (s *Stream) Check(x float64) error {
	if x >= s.low && x <= s.high && (!s.binary || x*x == x) { // 0 and 1, by a comparison whose outcome can be foreseen
		return nil
	}
	if x-x != 0 { // NaN and the infinities
		return ErrNotFinite
	}
	return ErrOutOfRange
}

// Reset makes the detector forget everything. The count of values and drifts goes on.
func (s *Stream) Reset() { s.clear() }
