package stream

import "testing"

// TestFalseAlarms bounds the drifts that detectors with their defaults find in 200,000 values without a change: errors with rates of 0.05 and 0.3. The bounds are
// generous multiples of what BenchmarkDetectors measures, and their purpose is to notice a detector that has become restless.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	for kind, most := range map[Kind]int64{
		ADWIN: 2, DDM: 30, EDDM: 330, RDDM: 60, HDDMA: 8, HDDMW: 90, FHDDM: 40, STEPD: 150, PageHinkley: 30, CUSUM: 15, ECDD: 1200,
	} {
		alarms := int64(0)
		for i, rate := range []float64{0.05, 0.3} {
			for seed := range uint64(4) {
				alarms += run(t, Config{Kind: kind}, 100*uint64(i)+seed, [][3]float64{{25_000, rate}}, -1).alarms
			}
		}
		if alarms > most {
			t.Errorf("%s: %d drifts without a change, at most %d expected", kind, alarms, most)
		}
	}
}

// TestPower looks that every detector finds a rate that rises from 0.2 to 0.5 within 1,000 values in most of 20 streams.
func TestPower(t *testing.T) {
	t.Parallel()
	for _, spec := range Catalog() {
		if spec.Kind == KSWIN {
			continue // on errors, which are all ties, it is weak by its design: see TestDecrease and BenchmarkDetectors
		}
		found := 0
		for seed := range uint64(20) {
			if run(t, Config{Kind: spec.Kind}, seed, [][3]float64{{3000, 0.2}, {1000, 0.5}}, 3000).delay >= 0 {
				found++
			}
		}
		if found < 16 {
			t.Errorf("%s: found %d of 20", spec.Kind, found)
		}
	}
}

// TestContinuous looks that detectors of numbers find a shift of a continuous distribution by one and a half of its ranges' halves, and that KSWIN finds a change of
// scale alone.
func TestContinuous(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{
		{Kind: ADWIN},
		{Kind: KSWIN, Parameters: map[string]float64{"alpha": 1e-4}},
		{Kind: PageHinkley, Parameters: map[string]float64{"threshold": 10, "delta": 0.05}},
		{Kind: CUSUM, Parameters: map[string]float64{"threshold": 10, "delta": 0.1}},
		{Kind: HDDMA},
		{Kind: HDDMW},
	} {
		s := must(t, c)
		drifts, _ := found(t, s, streamSpec{Kind: "numbers", Seed: 8, Segments: [][3]float64{{1000, 0, 0.6}, {300, 0.4, 1}}}.values())
		ok := false
		for _, d := range drifts {
			ok = ok || d.Index >= 1000 && d.Direction == Increase && d.After > d.Before
		}
		if !ok {
			t.Errorf("%s: got %+v", c.Kind, drifts)
		}
	}
	s := must(t, Config{Kind: KSWIN, Parameters: map[string]float64{"alpha": 1e-3, "window": 300, "recent": 100}})
	drifts, _ := found(t, s, streamSpec{Kind: "numbers", Seed: 9, Segments: [][3]float64{{1500, 0.45, 0.55}, {600, 0, 1}}}.values())
	if len(drifts) == 0 || drifts[0].Index < 1500 || drifts[0].Index > 1650 {
		t.Errorf("a change of scale: got %+v", drifts)
	}
}
