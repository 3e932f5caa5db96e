package detect

import "slices"

// Scope says what a test looks at.
type Scope string

// The scopes.
const (
	ScopeFeature Scope = "FEATURE" // the values of one feature
	ScopeRows    Scope = "ROWS"    // whole rows, all features together
)

// Kind says what a test finds.
type Kind string

// The kinds. A distance has a p-value too: the probability of one as large between samples of one distribution.
const (
	KindTest     Kind = "TEST"     // a statistic with a null distribution
	KindDistance Kind = "DISTANCE" // a distance between distributions
	KindQuality  Kind = "QUALITY"  // a defect of the data, whatever their distribution
)

// Convention is a named and fixed way to compute a test: bins, corrections, scale. It is never redefined; a changed definition gets a new
// name, so that a stored result can be computed again.
type Convention struct {
	Name        string        // such as "psi/decile-ref"
	Description string        // what it fixes, in a sentence
	Types       []FeatureType // the feature types that it applies to; empty: all of the test's
	EffectName  string        // what the effect is called; empty: as the test says
	MinEffect   float64       // the smallest effect that matters; 0: as the test says
	MaxEffect   float64       // the largest effect that there is; 0: as the test says
}

// Spec describes a test: all that a user needs to choose it, and how it is made.
type Spec struct {
	Test        Test
	Title       string // "Kolmogorov–Smirnov, two-sample"
	Scope       Scope
	Kind        Kind
	Types       []FeatureType // of features that it applies to, or for rows of the columns that it uses
	Null        string        // the null hypothesis, a sentence
	Assumptions []string      // what must hold for the p-value to be right
	PValue      string        // where the p-value comes from: "exact to 10,000 values a side, asymptotic beyond"
	Conventions []Convention  // the first that applies to a feature's type is its default
	EffectName  string
	EffectRange string  // "0 to 1"
	MinEffect   float64 // the smallest effect that matters, unless said otherwise
	MaxEffect   float64 // the largest effect that there is; 0: none is
	Source      string  // paper, standard or implementation
	CountsRows  bool    // rows without a value count for the smallest number of rows too

	// measure makes the test on one feature. Tests of rows have it when they apply to VECTOR features too, whose rows are their vectors.
	measure func(c *comparison, t TestSetting) Finding

	// measureRows makes a test of whole rows.
	measureRows func(r *rowComparison, t TestSetting) Finding
}

// Catalog returns the description of every test, in a fixed order.
func Catalog() []Spec { return slices.Clone(catalog) }

// Lookup returns the description of a test.
func Lookup(test Test) (Spec, bool) {
	i := slices.IndexFunc(catalog, func(s Spec) bool { return s.Test == test })
	if i < 0 {
		return Spec{}, false
	}
	return catalog[i], true
}

//nolint:gochecknoglobals // a constant table
var catalog = slices.Concat(
	basicSpecs(),
	rankSpecs(),
	distanceSpecs(),
	categorySpecs(),
	textSpecs(),
	timeSpecs(),
	qualitySpecs(),
	rowSpecs(),
	vectorSpecs(),
)

// Convention returns the convention of that name, or for an empty name the default one, and whether the test has it for the feature type.
func (s Spec) Convention(name string, feature FeatureType) (Convention, bool) {
	for _, c := range s.Conventions {
		if (name == "" || c.Name == name) && (len(c.Types) == 0 || slices.Contains(c.Types, feature)) {
			if c.EffectName == "" {
				c.EffectName = s.EffectName
			}
			if c.MinEffect == 0 {
				c.MinEffect = s.MinEffect
			}
			if c.MaxEffect == 0 {
				c.MaxEffect = s.MaxEffect
			}
			return c, true
		}
	}
	return Convention{}, false
}

// Applies tells whether the test can be made on features of a type.
func (s Spec) Applies(feature FeatureType) bool { return slices.Contains(s.Types, feature) }
