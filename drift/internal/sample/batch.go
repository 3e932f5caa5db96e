package sample

import "github.com/aumos-enterprise/platform/drift/internal/detect"

// Feature is a column that every batch must have.
type Feature struct {
	Name string
	Type detect.FeatureType
}

// Column is one column of a batch. The slice that belongs to Type holds the values, one per row; the others are nil. Texts have the type
// CATEGORICAL: only a feature can say that they are TEXT.
type Column struct {
	Name      string
	Type      detect.FeatureType
	Numbers   []float64
	Texts     []string
	Booleans  []bool
	Times     []int64   // microseconds since 1970 UTC
	Vectors   []float32 // Dimension numbers a row
	Dimension int
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
	case detect.Timestamp:
		return len(c.Times)
	case detect.Vector:
		return len(c.Vectors) / max(c.Dimension, 1)
	case detect.Text: // no type of columns
	}
	return 0
}

// suits reports whether the values can be those of a feature of the type.
func (c *Column) suits(t detect.FeatureType) bool {
	return c.Type == t || c.Type == detect.Categorical && t == detect.Text
}

// valid reports whether row i has a value.
func (c *Column) valid(i int) bool {
	return len(c.Validity) == 0 || c.Validity[i/8]>>(i%8)&1 == 1
}

// valuesField names the repeated field of the contract that holds values of the type, for error messages.
func valuesField(t detect.FeatureType) string {
	switch t {
	case detect.Numeric:
		return "numbers.values"
	case detect.Categorical, detect.Text:
		return "texts.values"
	case detect.Boolean:
		return "booleans.values"
	case detect.Timestamp:
		return "timestamps.unix_micros"
	case detect.Vector:
		return "vectors.values"
	}
	return "values"
}
