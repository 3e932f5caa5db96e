package trend

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	// MaxPoints bounds a series: the slopes of all pairs are kept in memory, 16 MB for so many.
	MaxPoints = 2000

	// MaxValue bounds the magnitude of values, so that no square overflows.
	MaxValue = 1e100

	// MaxHorizon bounds the points of a forecast.
	MaxHorizon = 1000
)

// maxTime is the end of the year 9999, in microseconds since 1970 UTC: most calendars of programs end there, and so does a forecast.
const maxTime = 253_402_300_800_000_000

const microsPerDay = 24 * 60 * 60 * 1e6

// ErrBadSeries says that a series or what is asked of it is not usable.
var ErrBadSeries = errors.New("series is not usable")

// Point is one value at one instant.
type Point struct {
	Time  int64   // microseconds since 1970 UTC
	Value float64 // finite, at most MaxValue in magnitude
}

// series holds points in the order of time, no two of which have the same.
type series struct {
	start  int64     // of the first point
	days   []float64 // since start
	values []float64
}

func newSeries(points []Point) (series, error) {
	if len(points) > MaxPoints {
		return series{}, fmt.Errorf("%w: %d points, at most %d are allowed", ErrBadSeries, len(points), MaxPoints)
	}
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b Point) int { return cmp.Compare(a.Time, b.Time) })
	s := series{days: make([]float64, len(points)), values: make([]float64, len(points))}
	for i, p := range points {
		if !(math.Abs(p.Value) <= MaxValue) { // also NaN
			return series{}, fmt.Errorf("%w: value %g is not a number of at most %g in magnitude", ErrBadSeries, p.Value, MaxValue)
		}
		if i > 0 && p.Time == points[i-1].Time {
			return series{}, fmt.Errorf("%w: two points have the same time", ErrBadSeries)
		}
		s.days[i] = float64(uint64(p.Time)-uint64(points[0].Time)) / microsPerDay // the difference of any two times fits
		s.values[i] = p.Value
	}
	if len(points) > 0 {
		s.start = points[0].Time
	}
	return s, nil
}

// gap is the median time between neighbours, in days. There must be two points.
func (s series) gap() float64 {
	gaps := make([]float64, len(s.days)-1)
	for i := range gaps {
		gaps[i] = s.days[i+1] - s.days[i]
	}
	return median(gaps)
}

// from returns the points from index i on, with the same start.
func (s series) from(i int) series {
	return series{start: s.start, days: s.days[i:], values: s.values[i:]}
}

// median returns the median of values, which it sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	return medianSorted(values)
}

func medianSorted(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
