package sample

import "github.com/aumos-enterprise/platform/drift/internal/detect"

// Options say how data is gathered that no monitor describes.
type Options struct {
	Features []Feature // those wanted; empty: every column
	Rows     bool      // keep rows together, for tests of whole rows
	Plain    bool      // with Rows: no samples are made of them, which leaves their memory for copies of the rows
	Path     string    // of a batch in the message, for errors
}

// Open starts gathering data whose first batch says what its columns are: each becomes a feature of the type that is wanted, or, where its
// values are of another, of the type that they are. Wanted columns may be missing; those that nobody wants are left out.
func Open(inlet *Inlet, o Options) *Accumulator {
	return &Accumulator{inlet: inlet, path: o.Path, rowwise: o.Rows, plain: o.Plain, ignored: make(map[string]bool), open: &o}
}

// describe returns the features that a first batch has.
func (a *Accumulator) describe(batch []Column) []Feature {
	wanted := make(map[string]detect.FeatureType, len(a.open.Features))
	for _, f := range a.open.Features {
		wanted[f.Name] = f.Type
	}
	var features []Feature
	described := make(map[string]bool, len(batch))
	for i := range batch {
		c := &batch[i]
		t, ok := wanted[c.Name]
		switch {
		case described[c.Name]: // which match refuses
			continue
		case !ok && len(wanted) > 0:
			a.ignored[c.Name] = true
			continue
		case !ok || !c.suits(t):
			t = c.Type
		}
		described[c.Name] = true
		features = append(features, Feature{Name: c.Name, Type: t})
	}
	return features
}

// known names what a column must be.
func (a *Accumulator) known() string {
	if a.ignored != nil {
		return "in the first batch of its side"
	}
	return "a feature of the monitor"
}

// Rowwise is a feature's column with its rows in order. It is empty for features of other types than NUMERIC, CATEGORICAL and BOOLEAN.
type Rowwise struct {
	Numbers []float64 // NUMERIC; NaN where a row has no value
	Codes   []int32   // CATEGORICAL and BOOLEAN: positions in Names; −1 where a row has no value
	Names   []string
}

func (c *column) rowwise() Rowwise {
	switch c.feature.Type {
	case detect.Numeric:
		return Rowwise{Numbers: c.numbers.join()}
	case detect.Categorical:
		return Rowwise{Codes: c.codes.join(), Names: c.names}
	case detect.Boolean:
		return Rowwise{Codes: c.codes.join(), Names: booleanNames}
	case detect.Text, detect.Timestamp, detect.Vector: // not part of whole rows
	}
	return Rowwise{}
}
