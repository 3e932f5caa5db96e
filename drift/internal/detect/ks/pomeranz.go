package ks

import "math"

// pomeranzMax bounds the band of pomeranzCDF. n ≤ 140 and n·d² ≤ 4 give
// n·d < 24, and a band has at most 2·n·d + 3 cells.
const pomeranzMax = 52

// pomeranzCDF returns P(D_n ≤ d), for n ≤ 140 and n·d² ≤ 4, by the recursion of
// J. Pomeranz (CACM 17, 1974; algorithm 487) as Simard and L'Ecuyer state it.
//
// With t = n·d, f its fraction and g = min(f, 1−f), the axis [0, n] is cut at
// A₁ = 0, A_{2p} = p−1+g, A_{2p+1} = p−g, A_{2n+2} = n. V_i(j) is the weight of
// having j−1 of n uniform points below A_i/n without ever having left the band
// ⌊A_i − t⌋ + 2 ≤ j ≤ ⌈A_i + t⌉. A step adds a Poisson number of points,
//
//	V_i(j) = Σ_{k≤j} V_{i−1}(k)·(A_i − A_{i−1})^{j−k}/(j−k)!
//
// and the result is n!/nⁿ·V_{2n+2}(n+1).
func pomeranzCDF(n int64, d float64) float64 {
	size := int(n)
	t := float64(n) * d
	f := t - math.Floor(t)
	g := min(f, 1-f)
	edge, even, odd := poissonTerms(g), poissonTerms(2*g), poissonTerms(1-2*g)

	var row, previous [pomeranzMax]float64
	row[0] = 1 // V₁(1)
	first, last := 1, 1
	for i := 2; i <= 2*size+2; i++ {
		gap := &odd
		switch {
		case i == 2 || i == 2*size+2:
			gap = &edge
		case i%2 == 0:
			gap = &even
		}
		previous, row = row, [pomeranzMax]float64{}
		start, end := first, last
		first, last = pomeranzBand(i, size, t)
		for j := first; j <= last; j++ {
			sum := 0.0
			for k := start; k <= min(j, end); k++ {
				sum += previous[k-start] * gap[j-k]
			}
			row[j-first] = sum
		}
	}
	return row[size+1-first] * math.Exp(logFactorialRatio(float64(n)))
}

// pomeranzBand returns the smallest and the largest j of V_i. The rounding of
// A_i ± t is done on paper, since A_i and t share the fraction f.
func pomeranzBand(i, n int, t float64) (first, last int) {
	whole := int(math.Floor(t))
	f := t - math.Floor(t)
	up, half := 0, 0
	if f > 0 {
		up = 1
	}
	if f > 0.5 {
		half = 1
	}
	p := i / 2
	switch {
	case i == 2*n+2:
		first, last = n-whole-up, n+whole+up
	case i%2 == 0:
		first, last = p-1-whole-half, p-1+whole+up
	default:
		first, last = p-whole-up, p+whole+half
	}
	return max(first+2, 1), min(last, n+1)
}

// poissonTerms returns rate^k/k!.
func poissonTerms(rate float64) (terms [pomeranzMax]float64) {
	terms[0] = 1
	for k := 1; k < len(terms); k++ {
		terms[k] = terms[k-1] * rate / float64(k)
	}
	return terms
}
