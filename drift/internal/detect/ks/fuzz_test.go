package ks

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
)

// floats reads doubles from fuzzed bytes, as they come or sorted and finite.
func floats(data []byte, clean bool) []float64 {
	var values []float64
	for ; len(data) >= 8; data = data[8:] {
		v := math.Float64frombits(binary.LittleEndian.Uint64(data))
		if clean && !isFinite(v) {
			continue
		}
		values = append(values, v)
	}
	if clean {
		slices.Sort(values)
	}
	return values
}

func addFloatSeeds(f *testing.F) {
	pack := func(values ...float64) []byte {
		var data []byte
		for _, v := range values {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		}
		return data
	}
	f.Add(pack(1, 2, 3), pack(2, 3, 4), true)
	f.Add(pack(0, 0, 0, math.Copysign(0, -1)), pack(0), true)
	f.Add(pack(-math.MaxFloat64, math.MaxFloat64), pack(math.SmallestNonzeroFloat64), true)
	f.Add(pack(math.NaN(), 1), pack(1), false)
	f.Add(pack(2, 1), pack(math.Inf(1)), false)
	f.Add(pack(), pack(1), true)
}

func FuzzKS(f *testing.F) {
	addFloatSeeds(f)
	f.Fuzz(func(t *testing.T, baseline, current []byte, clean bool) {
		x, y := floats(baseline, clean), floats(current, clean)
		ks, err := Test(x, y)
		if err != nil {
			if clean && len(x) > 0 && len(y) > 0 {
				t.Fatalf("refused clean samples: %v", err)
			}
			if !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrNotSorted) {
				t.Fatalf("unexpected error: %v", err)
			}
			return
		}
		if !(ks.P >= 0 && ks.P <= 1 && ks.D >= 0 && ks.D <= 1) || !isFinite(ks.Location) {
			t.Fatalf("out of range: %+v", ks)
		}
	})
}

func FuzzKolmogorovSF(f *testing.F) {
	f.Add(int64(1), 0.5)
	f.Add(int64(140), 0.1)
	f.Add(int64(141), 0.1)
	f.Add(int64(10_000), 0.0026)
	f.Add(int64(math.MaxInt32), 1e-5)
	f.Fuzz(func(t *testing.T, n int64, d float64) {
		if n < 1 || n > 1<<53 || math.IsNaN(d) {
			return
		}
		if p := kolmogorovSF(n, d); !(p >= 0 && p <= 1) {
			t.Fatalf("kolmogorovSF(%d, %v) = %v", n, d, p)
		}
	})
}
