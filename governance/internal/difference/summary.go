package difference

// Summary counts differences. The answers compared are those that are the same and those of every other kind.
type Summary struct {
	Compared           int64 `json:"compared"`
	Same               int64 `json:"same"`
	AllowToDeny        int64 `json:"allow_to_deny"`
	DenyToAllow        int64 `json:"deny_to_allow"`
	ToError            int64 `json:"to_error"`
	FromError          int64 `json:"from_error"`
	ViolationsChanged  int64 `json:"violations_changed"`
	ObligationsChanged int64 `json:"obligations_changed"`
}

// Add counts a difference. One that cannot be compared does not count.
func (s *Summary) Add(d Difference) {
	switch d.Kind() {
	case Same:
		s.Same++
	case AllowToDeny:
		s.AllowToDeny++
	case DenyToAllow:
		s.DenyToAllow++
	case ToError:
		s.ToError++
	case FromError:
		s.FromError++
	case ViolationsChanged:
		s.ViolationsChanged++
	case ObligationsChanged:
		s.ObligationsChanged++
	default:
		return
	}
	s.Compared++
}

// Merge adds the counts of another summary.
func (s *Summary) Merge(other Summary) {
	s.Compared += other.Compared
	s.Same += other.Same
	s.AllowToDeny += other.AllowToDeny
	s.DenyToAllow += other.DenyToAllow
	s.ToError += other.ToError
	s.FromError += other.FromError
	s.ViolationsChanged += other.ViolationsChanged
	s.ObligationsChanged += other.ObligationsChanged
}

// Changed returns how many answers are not the same.
func (s Summary) Changed() int64 { return s.Compared - s.Same }
