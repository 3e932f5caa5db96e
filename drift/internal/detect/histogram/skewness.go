package histogram

import "math"

// leafLength is the number of values that NumPy sums in one go.
const leafLength = 128

// skewness returns mean(((x − mean)/σ)³) as NumPy rounds it; false when the values are so close to each other that σ is 0.
func skewness(values []float64) (float64, bool) {
	n := float64(len(values))
	buffer := make([]float64, leafLength)
	mean := pairwise(values, buffer, func([]float64, []float64) {}) / n
	variance := pairwise(values, buffer, func(terms, values []float64) {
		for i, v := range values {
			d := v - mean
			terms[i] = d * d
		}
	}) / n
	sigma := math.Sqrt(variance)
	if sigma == 0 {
		return 0, false
	}
	return pairwise(values, buffer, func(terms, values []float64) {
		for i, v := range values {
			d := (v - mean) / sigma
			terms[i] = d * d * d
		}
	}) / n, true
}

// pairwise sums terms of values in the order of NumPy's add.reduce: eight sums of up to 128 values, and halves of longer slices. fill writes
// the terms of some values over a copy of them.
func pairwise(values, buffer []float64, fill func(terms, values []float64)) float64 {
	if len(values) > leafLength {
		half := len(values) / 2
		half -= half % 8
		return pairwise(values[:half], buffer, fill) + pairwise(values[half:], buffer, fill)
	}
	terms := buffer[:len(values)]
	copy(terms, values)
	fill(terms, values)
	if len(terms) < 8 {
		sum := 0.0
		for _, v := range terms {
			sum += v
		}
		return sum
	}
	sums := [8]float64(terms[:8])
	terms = terms[8:]
	for ; len(terms) >= 8; terms = terms[8:] {
		for i, v := range terms[:8] {
			sums[i] += v
		}
	}
	sum := ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
	for _, v := range terms {
		sum += v
	}
	return sum
}
