package stream

import (
	"errors"
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func TestValues(t *testing.T) {
	t.Parallel()
	for _, spec := range Catalog() {
		s := must(t, Config{Kind: spec.Kind})
		before := string(s.State())
		bad := map[float64]error{math.Inf(1): ErrNotFinite, math.Inf(-1): ErrNotFinite}
		good := []float64{0, 1, math.Copysign(0, -1)}
		switch spec.Input {
		case Errors:
			bad[0.5], bad[-1], bad[2], bad[5e-324] = ErrOutOfRange, ErrOutOfRange, ErrOutOfRange, ErrOutOfRange
			bad[0.9999999999999999], bad[1e-200] = ErrOutOfRange, ErrOutOfRange
		case Unit:
			bad[-5e-324], bad[1.0000000000000002] = ErrOutOfRange, ErrOutOfRange
			good = append(good, 0.5, 5e-324)
		case Numbers:
			bad[1.1e100], bad[-1.1e100] = ErrOutOfRange, ErrOutOfRange
			good = append(good, 0.5, 5e-324, 1e100, -1e100)
		}
		for x, want := range bad {
			if _, err := s.Update(x); !errors.Is(err, want) {
				t.Errorf("%s: %g: got %v", spec.Kind, x, err)
			}
		}
		if _, err := s.Update(math.NaN()); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%s: NaN: got %v", spec.Kind, err)
		}
		if string(s.State()) != before || s.Count() != 0 {
			t.Errorf("%s: a refused value changed the stream", spec.Kind)
		}
		for range 200 {
			for _, x := range good {
				if _, err := s.Update(x); err != nil {
					t.Errorf("%s: %g: %v", spec.Kind, x, err)
				}
			}
		}
		if _, err := Restore(s.State()); err != nil {
			t.Errorf("%s: after the largest and smallest values: %v", spec.Kind, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		config     Config
		field, key string
	}{
		{Config{}, "kind", ""},
		{Config{Kind: "SEED"}, "kind", ""},
		{Config{Kind: DDM, Convention: "ddm/moa"}, "convention", ""},
		{Config{Kind: DDM, Policy: "NEVER"}, "policy", ""},
		{Config{Kind: DDM, Policy: Continue}, "policy", ""},
		{Config{Kind: DDM, Parameters: map[string]float64{"delta": 1}}, "parameters", "delta"},
		{Config{Kind: DDM, Parameters: map[string]float64{"warm_start": 1.5}}, "parameters", "warm_start"},
		{Config{Kind: DDM, Parameters: map[string]float64{"warm_start": 1}}, "parameters", "warm_start"},
		{Config{Kind: DDM, Parameters: map[string]float64{"drift_threshold": 1}}, "parameters", "warning_threshold"},
		{Config{Kind: DDM, Parameters: map[string]float64{"drift_threshold": math.NaN()}}, "parameters", "drift_threshold"},
		{Config{Kind: EDDM, Parameters: map[string]float64{"beta": 0.99}}, "parameters", "beta"},
		{Config{Kind: ADWIN, Parameters: map[string]float64{"delta": 0}}, "parameters", "delta"},
		{Config{Kind: ADWIN, Parameters: map[string]float64{"delta": 1}}, "parameters", "delta"},
		{Config{Kind: KSWIN, Parameters: map[string]float64{"recent": 51}}, "parameters", "recent"},
		{Config{Kind: RDDM, Parameters: map[string]float64{"max_concept": 10_000}}, "parameters", "min_concept"},
		{Config{Kind: KSWIN, Parameters: map[string]float64{"window": 1e9}}, "parameters", "window"},
		{Config{Kind: PageHinkley, Parameters: map[string]float64{"threshold": math.Inf(1)}}, "parameters", "threshold"},
	} {
		_, err := New(test.config)
		var field *FieldError
		if !errors.As(err, &field) || field.Field != test.field || field.Key != test.key || field.Error() == "" {
			t.Errorf("%+v: got %v", test.config, err)
		}
	}
}

// TestBeginning looks whether drifts are dated and measured as the streams were made: a rate that jumps from 0.1 to 0.6 after 2,000 values. The first
// drift after it is looked at: some detectors have false alarms by their design.
func TestBeginning(t *testing.T) {
	t.Parallel()
	const change = 2000
	values := streamSpec{Kind: "errors", Seed: 5, Segments: [][3]float64{{change, 0.1}, {400, 0.6}}}.values()
	for _, spec := range Catalog() {
		if spec.Kind == EDDM {
			continue // it finds drifts before: see BenchmarkDetectors
		}
		c := Config{Kind: spec.Kind}
		switch spec.Kind {
		case PageHinkley, CUSUM:
			c.Parameters = map[string]float64{"delta": 0.1, "threshold": 12}
		case KSWIN:
			c.Parameters = map[string]float64{"alpha": 1e-4}
		default:
		}
		s := must(t, c)
		drifts, _ := found(t, s, values)
		var d Drift
		for _, d = range drifts {
			if d.Index >= change {
				break
			}
		}
		// Windows and weighted means date a change by their own length.
		if d.Index < change || d.Index > change+150 || d.Began < change-400 || d.Began > change+60 || d.Direction != Increase || !(d.Before < 0.15) ||
			!(d.After > d.Before) {
			t.Errorf("%s: got %+v", spec.Kind, d)
		}
	}
}

// TestDecrease looks whether what is two-sided finds and names a decrease.
func TestDecrease(t *testing.T) {
	t.Parallel()
	values := streamSpec{Kind: "errors", Seed: 6, Segments: [][3]float64{{1000, 0.7}, {600, 0.1}}}.values()
	for _, spec := range Catalog() {
		if !spec.TwoSided {
			continue
		}
		c := Config{Kind: spec.Kind}
		switch spec.Kind {
		case HDDMA, HDDMW:
			c.Parameters = map[string]float64{"two_sided": 1}
		case PageHinkley:
			c.Parameters = map[string]float64{"threshold": 10}
		case KSWIN:
			c.Parameters = map[string]float64{"alpha": 1e-4}
		default:
		}
		s := must(t, c)
		drifts, _ := found(t, s, values)
		ok := false
		for _, d := range drifts {
			ok = ok || d.Index >= 1000 && d.Index < 1200 && d.Direction == Decrease
		}
		if !ok {
			t.Errorf("%s: got %+v", spec.Kind, drifts)
		}
	}
}

// TestPolicies looks what the caller sees after a drift.
func TestPolicies(t *testing.T) {
	t.Parallel()
	values := sample()
	for _, kind := range []Kind{DDM, HDDMA, ADWIN} {
		s := must(t, Config{Kind: kind, Policy: Hold})
		first := int64(-1)
		for i, x := range values {
			zone, err := s.Update(x)
			if err != nil {
				t.Fatal(err)
			}
			if zone == Drifted && first < 0 {
				first = int64(i)
			}
			if first >= 0 && (zone != Drifted || s.Zone() != Drifted || s.Drifts() != 1) {
				t.Fatalf("%s: %s at %d, %d drifts", kind, zone, i, s.Drifts())
			}
		}
		if d, ok := s.Last(); !ok || d.Index != first || s.Count() != int64(len(values)) {
			t.Errorf("%s: got %+v after %d", kind, d, s.Count())
		}
		s.Reset()
		if zone, err := s.Update(0); err != nil || zone != Stable || s.Count() != int64(len(values))+1 || s.Drifts() != 1 {
			t.Errorf("%s after a reset: %s, %v, %d values, %d drifts", kind, zone, err, s.Count(), s.Drifts())
		}
	}
}

// TestNoChange feeds streams on which nothing can change: no detector finds a drift.
func TestNoChange(t *testing.T) {
	t.Parallel()
	for _, spec := range Catalog() {
		for _, convention := range spec.Conventions {
			for _, x := range []float64{0, 1} {
				s := must(t, Config{Kind: spec.Kind, Convention: convention})
				for range 20_000 {
					if zone, err := s.Update(x); zone != Stable || err != nil {
						t.Fatalf("%s %s on %g at %d: %s, %v", spec.Kind, convention, x, s.Count(), zone, err)
					}
				}
			}
		}
	}
}

// TestEqualKS compares with SciPy 1.17.1: ks_2samp of two samples of 30 (and 5) values with distances of k/30, method "exact".
func TestEqualKS(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		n, k int
		want float64
	}{{30, 5, 0.8079631540901643}, {30, 10, 0.07088798787114439}, {30, 13, 0.006548396368058784}, {30, 30, 1.6911233892144742e-17}, {5, 1, 1.0}, {5, 3, 0.35714285714285715}} {
		if got := equalKS(test.n, test.k); math.Abs(got-test.want) > 1e-9*test.want {
			t.Errorf("%d of %d: got %v, want %v", test.k, test.n, got, test.want)
		}
	}
}

// TestAllocations looks that updates allocate nothing.
func TestAllocations(t *testing.T) {
	for _, spec := range Catalog() {
		s := must(t, Config{Kind: spec.Kind})
		u := goldentest.NewSource(3)
		allocations := testing.AllocsPerRun(20_000, func() {
			x := 0.0
			if u.Next() < 0.3 {
				x = 1
			}
			if _, err := s.Update(x); err != nil {
				t.Fatal(err)
			}
		})
		if allocations != 0 {
			t.Errorf("%s: %v allocations", spec.Kind, allocations)
		}
	}
}
