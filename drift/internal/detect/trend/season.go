package trend

import "math"

// maxFrequencies bounds the frequencies that a season is looked for at.
const maxFrequencies = 256

// named periods in days: day, week, month and year, each looked for where the series is long and dense enough.
//
//nolint:gochecknoglobals // a constant table
var namedPeriods = []float64{1, 7, 30.436875, 365.2425}

// Season is the strongest cycle of a series.
type Season struct {
	Period    float64 // days
	Amplitude float64 // of the fitted wave, in the unit of the values
	Strength  float64 // share of the variance about the trend that the wave explains, 0 to 1
	P         float64 // corrected for the number of frequencies looked at
	Tried     int     // frequencies looked at
	residual  float64 // sum of squares that is left
}

// Seasonality looks for a cycle of at least two rounds. Null hypothesis: the values are independent normal noise about a straight line.
//
// At each frequency f the wave a·cos 2πft + b·sin 2πft is added to the line by least squares, and F = (R/2)/((Q − R)/(n − 4 − lost)) compares the
// sum of squares R that it takes from Q, which is exact for any spacing of the times (the periodogram of N. R. Lomb and J. D. Scargle with a
// floating trend). Its p-value ((Q − R)/Q)^((n−4−lost)/2) is multiplied by the number of frequencies: the k/T for T the length of the series,
// 2 ≤ k < n/2 and at most 256 of them, and those of a day, a week, a month and a year. Lost counts parameters fitted before.
func Seasonality(days, values []float64, gap float64, lost int) (Season, bool) {
	n := len(days)
	freedom := float64(n - 4 - lost)
	if freedom < 2 {
		return Season{}, false
	}
	basis := newLine(days)
	rest := basis.remove(values)
	q := dot(rest, rest)
	// Smaller sums are what rounding leaves of values on a line.
	if !(q > 1e-24*float64(n)*squareOf(values)) {
		return Season{}, false
	}
	best := Season{P: 1, residual: q}
	cosine, sine := make([]float64, n), make([]float64, n)
	for _, f := range frequencies(days, gap) {
		for i, d := range days {
			sine[i], cosine[i] = math.Sincos(2 * math.Pi * math.Mod(f*d, 1))
		}
		taken, amplitude, ok := wave(basis, rest, cosine, sine)
		if !ok {
			continue
		}
		best.Tried++
		if r := min(taken, q); r/q > best.Strength {
			best.Strength, best.Period, best.Amplitude, best.residual = r/q, 1/f, amplitude, q-r
		}
	}
	if best.Tried == 0 {
		return Season{}, false
	}
	best.P = min(math.Pow(1-best.Strength, freedom/2)*float64(best.Tried), 1)
	return best, true
}

// wave fits a·cosine + b·sine beside the line to what the line left, and returns the sum of squares that it takes away and √(a² + b²); or false
// where the times do not tell the two apart.
func wave(basis line, rest, cosine, sine []float64) (taken, amplitude float64, ok bool) {
	c, s := basis.remove(cosine), basis.remove(sine)
	cc, ss, cs := dot(c, c), dot(s, s), dot(c, s)
	det := cc*ss - cs*cs
	if n := float64(len(rest)); !(det > 1e-8*n*n) {
		return 0, 0, false
	}
	cr, sr := dot(c, rest), dot(s, rest)
	a, b := (ss*cr-cs*sr)/det, (cc*sr-cs*cr)/det
	return max(a*cr+b*sr, 0), math.Hypot(a, b), true
}

// frequencies are per day.
func frequencies(days []float64, gap float64) []float64 {
	n := len(days)
	span := days[n-1] - days[0]
	length := span * float64(n) / float64(n-1) // of n even steps
	var f []float64
	for k := 2; 2*k < n && len(f) < maxFrequencies; k++ {
		f = append(f, float64(k)/length)
	}
	for _, period := range namedPeriods {
		if 2*period <= length && period > 2*gap {
			f = append(f, 1/period)
		}
	}
	return f
}

// line is the space of straight lines over some times, by an orthonormal basis: a constant and x.
type line struct {
	x []float64
}

func newLine(days []float64) line {
	m := mean(days)
	x := make([]float64, len(days))
	for i, d := range days {
		x[i] = d - m
	}
	if size := math.Sqrt(dot(x, x)); size > 0 {
		for i := range x {
			x[i] /= size
		}
	}
	return line{x: x}
}

// remove returns what the least-squares line leaves of values.
func (l line) remove(values []float64) []float64 {
	m := mean(values)
	rest := make([]float64, len(values))
	for i, v := range values {
		rest[i] = v - m
	}
	slope := dot(rest, l.x)
	for i := range rest {
		rest[i] -= slope * l.x[i]
	}
	return rest
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// squareOf is the largest square of the values.
func squareOf(values []float64) float64 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, v*v)
	}
	return largest
}
