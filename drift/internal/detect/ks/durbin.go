package ks

import "math"

// durbinMax is the largest matrix of durbinCDF: n·d ≤ 28 wherever kolmogorovSF
// calls it, so that k ≤ 28 and 2k−1 ≤ 55.
const durbinMax = 57

type durbinMatrix [durbinMax * durbinMax]float64

// durbinCDF returns P(D_n ≤ d) as n!/nⁿ times the middle element of Hⁿ. With
// n·d = k − h, 0 ≤ h < 1, the matrix H has 2k−1 rows, see J. Durbin (1968) and
// Marsaglia, Tsang and Wang, "Evaluating Kolmogorov's distribution", Journal of
// Statistical Software 8 (2003).
func durbinCDF(n int64, d float64) float64 {
	nd := float64(n) * d
	k := int(math.Ceil(nd))
	m := 2*k - 1
	var power, square durbinMatrix
	fillDurbin(power[:m*m], m, float64(k)-nd)

	// Only the middle row of the product is needed.
	var row, next [durbinMax]float64
	row[k-1] = 1
	rowScale, powerScale := 0, 0 // binary exponents taken out
	for bits := n; ; {
		if bits&1 == 1 {
			multiplyRow(next[:m], row[:m], power[:m*m])
			row = next
			rowScale += powerScale + rescale(row[:m], row[k-1])
		}
		if bits >>= 1; bits == 0 {
			break
		}
		for i := range m {
			multiplyRow(square[i*m:(i+1)*m], power[i*m:(i+1)*m], power[:m*m])
		}
		power = square
		powerScale = 2*powerScale + rescale(power[:m*m], power[(k-1)*m+k-1])
	}
	return math.Exp(math.Log(row[k-1]) + float64(rowScale)*math.Ln2 + logFactorialRatio(float64(n)))
}

// fillDurbin writes H, row by row. Inside, H[i][j] = 1/(i−j+1)! on and below
// the first superdiagonal; the first column and the last row lose the paths
// that leave the band by the fraction h.
func fillDurbin(matrix []float64, m int, h float64) {
	var inverse [durbinMax + 1]float64 // 1/i!
	inverse[0] = 1
	for i := 1; i <= m; i++ {
		inverse[i] = inverse[i-1] / float64(i)
	}
	for i := range m {
		for j := range min(i+2, m) {
			matrix[i*m+j] = inverse[i-j+1]
		}
	}
	power := 1.0
	for i := range m {
		power *= h
		edge := (1 - power) * inverse[i+1]
		matrix[i*m] = edge
		matrix[(m-1)*m+m-1-i] = edge
	}
	both := math.Pow(max(2*h-1, 0), float64(m))
	matrix[(m-1)*m] = (1 - 2*power + both) * inverse[m]
}

// multiplyRow sets target to the row vector times the square matrix.
func multiplyRow(target, row, matrix []float64) {
	clear(target)
	m := len(row)
	for i, factor := range row {
		if factor == 0 {
			continue
		}
		for j, v := range matrix[i*m : (i+1)*m] {
			target[j] += factor * v
		}
	}
}

// rescale divides values by the power of two of reference when that has grown
// or shrunk far from 1, and returns the exponent.
func rescale(values []float64, reference float64) int {
	_, exponent := math.Frexp(reference)
	if -300 < exponent && exponent < 300 {
		return 0
	}
	for i, v := range values {
		values[i] = math.Ldexp(v, -exponent)
	}
	return exponent
}
