package ks

import "math"

// pelzGoodCDF returns P(D_n ≤ d) by the expansion of W. Pelz and I. J. Good
// (JRSS B 38, 1976) in powers of 1/√n around Kolmogorov's limit,
//
//	K₀(z) + K₁(z)/√n + K₂(z)/n + K₃(z)/n^{3/2},   z = √n·d.
//
// The K are theta series; they are summed in the form that converges for small
// z, in powers of q = exp(−π²/(8z²)) over the odd numbers and of q⁴ over all.
func pelzGoodCDF(n int64, d float64) float64 {
	root := math.Sqrt(float64(n))
	z := root * d
	z2 := z * z
	z3, z4 := z2*z, z2*z2
	z6 := z4 * z2
	z7, z8, z10 := z6*z, z4*z4, z6*z4

	const (
		pi2 = math.Pi * math.Pi
		pi4 = pi2 * pi2
		pi6 = pi4 * pi2
	)
	var k0, k1, k2, k3 float64       // over odd u
	var extra2, extra3 float64       // over all k
	for k := terms(z); k >= 1; k-- { // the small terms first
		u := float64(2*k - 1)
		u2 := u * u
		u4 := u2 * u2
		q := math.Exp(-pi2 * u2 / (8 * z2))
		k0 += q
		k1 += q * (-z2 + pi2*u2/4)
		k2 += q * (6*z6 + 2*z4 + (2*z4-5*z2)*pi2*u2/4 + (1-2*z2)*pi4*u4/16)
		k3 += q * (-30*z6 - 90*z8 + (135*z4-96*z6)*pi2*u2/4 +
			(212*z4-60*z2)*pi4*u4/16 + (5-30*z2)*pi6*u4*u2/64)

		w2 := float64(k) * float64(k)
		p := math.Exp(-pi2 * w2 / (2 * z2))
		extra2 += p * w2
		extra3 += p * w2 * (3*z2 - pi2*w2)
	}
	k0 /= z
	k1 /= 6 * z4
	k2 = k2/(72*z7) - extra2*pi2/(36*z3)
	k3 = k3/(6480*z10) + extra3*pi2/(216*z6)
	return math.Sqrt(2*math.Pi) * (k0 + (k1+(k2+k3/root)/root)/root)
}

// terms is the number of terms after which the theta series at z have
// converged to double precision.
func terms(z float64) int {
	return int(math.Ceil(16 * z / math.Pi))
}
