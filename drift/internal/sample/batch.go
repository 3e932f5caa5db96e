package sample

import "github.com/aumos-enterprise/platform/drift/internal/detect"

// Feature is a column that every batch must have.
type Feature struct {
	Name string
	Type detect.FeatureType
}

// Column is one column of a batch. The slice that belongs to Type holds the values, one per row; the others are nil.
type Column struct {
	Name     string
	Type     detect.FeatureType
	Numbers  []float64
	Texts    []string
	Booleans []bool
	// Validity says which rows have a value: bit i%8, least significant first, of byte i/8 is 1 where row i has one. Empty: all rows.
	Validity []byte
}

// Rows returns the number of rows.
func (c *Column) Rows() int {
	switch c.Type {
	case detect.Numeric:
		return len(c.Numbers)
	case detect.Categorical:
		return len(c.Texts)
	case detect.Boolean:
		return len(c.Booleans)
	}
	return 0
}

// valid reports whether row i has a value.
func (c *Column) valid(i int) bool {
	return len(c.Validity) == 0 || c.Validity[i/8]>>(i%8)&1 == 1
}

// valuesField names the repeated field of the contract that holds values of the type, for error messages.
func valuesField(t detect.FeatureType) string {
	switch t {
	case detect.Numeric:
		return "numbers"
	case detect.Categorical:
		return "texts"
	case detect.Boolean:
		return "booleans"
	}
	return "values"
}
