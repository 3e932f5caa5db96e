package calibration

import (
	"math"
	"runtime"
	"sync"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// TestLevels holds every test of the catalog to its level on few small samples: it finds what is wrong by a factor, in seconds. The whole
// suite is BenchmarkCalibration.
func TestLevels(t *testing.T) {
	t.Parallel()
	all := subjects([][2]int{{60, 40}}, [][2]int{{40, 40}})
	if len(all) == 0 {
		t.Fatal("nothing to test")
	}
	levels := make([]level, len(all))
	each(len(all), func(i int) {
		draws := quickDraws
		if all[i].kind == "" || all[i].kind == "VECTOR" {
			draws = quickDraws / 4
		}
		levels[i] = all[i].measure(t.Context(), draws, 99, 1)
	})
	for _, l := range levels {
		if l.err != nil {
			t.Error(l.err)
			continue
		}
		if _, known := compatibility[l.subject.convention]; known {
			continue
		}
		if l.rate() > quickLimit(l.draws) || l.beyondRate() > quickLimit(l.threshold) {
			t.Errorf("%s: %d of %d null samples have p ≤ %g, %d of %d are beyond the threshold", l.subject.name(), l.rejected, l.draws, alpha, l.beyond, l.threshold)
		}
	}
}

// quickLimit is the rate that so many draws may have: with thousands of rates, five standard errors and a half keep chance out.
func quickLimit(draws int) float64 {
	return alpha + 5.5*math.Sqrt(alpha*(1-alpha)/float64(max(draws, 1)))
}

// TestCompatibilityIsNeverDefault: a convention that raises false alarms is only made of who asks for it by name.
func TestCompatibilityIsNeverDefault(t *testing.T) {
	t.Parallel()
	known := 0
	for _, spec := range detect.Catalog() {
		for _, c := range spec.Conventions {
			if _, ok := compatibility[c.Name]; ok {
				known++
			}
		}
		for _, kind := range detect.AllTypes() {
			if c, ok := spec.Convention("", kind); ok && compatibility[c.Name] != "" {
				t.Errorf("%s is the default of %s for %s features", c.Name, spec.Test, kind)
			}
		}
	}
	if known != len(compatibility) {
		t.Errorf("the catalog has %d of the %d conventions that are let off", known, len(compatibility))
	}
}

// each calls work for 0 to n−1 on as many goroutines as there are processors, and returns when all have ended.
func each(n int, work func(i int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}
