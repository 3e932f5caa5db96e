package multivariate

import (
	"math"
)

// components are the principal components of standardised rows.
type components struct {
	means, deviations []float64
	variances         []float64 // largest first
	directions        Matrix    // a row for each component
	buffer, rebuilt   []float64
}

// fitComponents makes the components of the chosen rows. Columns are standardised by their mean and standard deviation, divisor n; one that
// does not vary is only centred. NaN counts as the mean.
func fitComponents(m Matrix, chosen func(row int) bool) *components {
	c := &components{
		means: make([]float64, m.Columns), deviations: make([]float64, m.Columns), buffer: make([]float64, m.Columns), rebuilt: make([]float64, m.Columns),
	}
	var rows []int
	for row := range m.Rows {
		if chosen(row) {
			rows = append(rows, row)
		}
	}
	for k := range m.Columns {
		c.means[k], c.deviations[k] = center(m, rows, k)
	}
	standard := NewMatrix(len(rows), m.Columns)
	for i, row := range rows {
		c.standardize(m.Row(row), standard.Row(i))
	}
	c.variances, c.directions = principal(covariance(standard))
	return c
}

// center returns a column's mean over the rows that have it, and its standard deviation with the others at the mean; 1 instead of none.
func center(m Matrix, rows []int, k int) (mean, deviation float64) {
	unit := 0.0 // the largest value: squares of parts of it do not overflow
	for _, row := range rows {
		if v := math.Abs(m.Row(row)[k]); v > unit {
			unit = v
		}
	}
	if unit == 0 {
		return 0, 1
	}
	var at moments
	for _, row := range rows {
		if v := m.Row(row)[k]; v == v {
			at.add(v/unit, 1)
		}
	}
	deviation = math.Sqrt(at.squares/float64(len(rows))) * unit
	if !(deviation > 1e-15*unit) { // rounding of equal values
		deviation = 1
	}
	return at.mean * unit, deviation
}

// standardize puts the standardised row into z. A value that overflows is taken as the largest that can be squared.
func (c *components) standardize(row, z []float64) {
	for k, v := range row {
		z[k] = 0
		if v == v {
			z[k] = max(min((v-c.means[k])/c.deviations[k], 1e100), -1e100)
		}
	}
}

// explaining returns the smallest number of components that explain more than the part of the variance, as scikit-learn counts.
func (c *components) explaining(part float64) int {
	total := 0.0
	for _, v := range c.variances {
		total += v
	}
	sum := 0.0
	for k, v := range c.variances {
		sum += v
		if sum/total > part {
			return k + 1
		}
	}
	return len(c.variances)
}

// residual returns what a row lacks when it is rebuilt from the first components, standardised. The next call reuses the result.
func (c *components) residual(row []float64, kept int) []float64 {
	c.standardize(row, c.buffer)
	clear(c.rebuilt)
	for i := range kept {
		direction := c.directions.Row(i)
		score := dot(direction, c.buffer, 1)
		for k, w := range direction {
			c.rebuilt[k] += score * w
		}
	}
	for k := range c.buffer {
		c.buffer[k] -= c.rebuilt[k]
	}
	return c.buffer
}
