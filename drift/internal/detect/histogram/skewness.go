package histogram

import "math"

// leafLength is the number of values that NumPy sums in one go.
const leafLength = 128

// skewness returns mean(((x − mean)/σ)³) as NumPy rounds it; false when the values are so close to each other that σ is 0.
func skewness(values []float64) (float64, bool) {
	n := float64(len(values))
	var terms [leafLength]float64
	mean := pairwise(values, sum) / n
	variance := pairwise(values, func(values []float64) float64 {
		terms := terms[:len(values)]
		for i, v := range values {
			d := v - mean
			terms[i] = d * d
		}
		return sum(terms)
	}) / n
	sigma := math.Sqrt(variance)
	if sigma == 0 {
		return 0, false
	}
	return pairwise(values, func(values []float64) float64 {
		terms := terms[:len(values)]
		for i, v := range values {
			d := (v - mean) / sigma
			terms[i] = d * d * d
		}
		return sum(terms)
	}) / n, true
}

// pairwise adds up what leaf makes of up to 128 values at a time, in the order of NumPy's add.reduce: halves of longer slices.
func pairwise(values []float64, leaf func(values []float64) float64) float64 {
	if len(values) <= leafLength {
		return leaf(values)
	}
	half := len(values) / 2
	half -= half % 8
	return pairwise(values[:half], leaf) + pairwise(values[half:], leaf)
}

// sum adds up to 128 values in the order of NumPy's add.reduce: eight sums of every eighth.
func sum(terms []float64) float64 {
	if len(terms) < 8 {
		total := 0.0
		for _, v := range terms {
			total += v
		}
		return total
	}
	s0, s1, s2, s3, s4, s5, s6, s7 := terms[0], terms[1], terms[2], terms[3], terms[4], terms[5], terms[6], terms[7]
	terms = terms[8:]
	for ; len(terms) >= 8; terms = terms[8:] {
		s0 += terms[0]
		s1 += terms[1]
		s2 += terms[2]
		s3 += terms[3]
		s4 += terms[4]
		s5 += terms[5]
		s6 += terms[6]
		s7 += terms[7]
	}
	total := ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
	for _, v := range terms {
		total += v
	}
	return total
}
