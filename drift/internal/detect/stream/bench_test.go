package stream

import (
	"fmt"
	"os"
	"testing"
	"text/tabwriter"
)

// BenchmarkUpdate measures an update of each detector on errors with a rate of 0.2, which is the speed that a batch has.
func BenchmarkUpdate(b *testing.B) {
	values := streamSpec{Kind: "errors", Seed: 1, Segments: [][3]float64{{1 << 16, 0.2}}}.values()
	for _, spec := range Catalog() {
		b.Run(string(spec.Kind), func(b *testing.B) {
			s := must(b, Config{Kind: spec.Kind})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Update(values[i&(1<<16-1)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkState measures storing and restoring a stream that has taken 65,536 values.
func BenchmarkState(b *testing.B) {
	values := streamSpec{Kind: "errors", Seed: 1, Segments: [][3]float64{{1 << 16, 0.2}}}.values()
	for _, spec := range Catalog() {
		b.Run(string(spec.Kind), func(b *testing.B) {
			s := must(b, Config{Kind: spec.Kind})
			for _, x := range values {
				if _, err := s.Update(x); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := Restore(s.State()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(s.State())), "B/state")
		})
	}
}

// BenchmarkDetectors prints, for each detector with its defaults, the false alarms in 10⁵ values without a change (errors with a rate of 0.2, 10 streams), and for a change to
// 0.3 or 0.5 after 5,000 values how many of 200 streams it finds within 5,000 more and after how many values on average. Alarms before
// the change are not counted.
func BenchmarkDetectors(b *testing.B) {
	for b.Loop() {
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		_, _ = fmt.Fprintln(out, "detector\tfalse alarms per 10⁵\tfound 0.2→0.3\tdelay\tfound 0.2→0.5\tdelay\t")
		for _, spec := range Catalog() {
			for _, convention := range spec.Conventions {
				c := Config{Kind: spec.Kind, Convention: convention}
				alarms := int64(0)
				for seed := range uint64(10) {
					alarms += run(b, c, 1000+seed, [][3]float64{{100_000, 0.2}}, -1).alarms
				}
				_, _ = fmt.Fprintf(out, "%s\t%.1f\t", convention, float64(alarms)/10)
				for _, rate := range []float64{0.3, 0.5} {
					detected, delay := 0, int64(0)
					for seed := range uint64(200) {
						if o := run(b, c, 2000+seed, [][3]float64{{5000, 0.2}, {5000, rate}}, 5000); o.delay >= 0 {
							detected++
							delay += o.delay
						}
					}
					_, _ = fmt.Fprintf(out, "%d/200\t%.0f\t", detected, float64(delay)/float64(max(detected, 1)))
				}
				_, _ = fmt.Fprintln(out)
			}
		}
		if err := out.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}

type outcome struct{ alarms, delay int64 }

// run counts the drifts of a stream, and says how many values after a change the first one came; -1 for none.
func run(tb testing.TB, c Config, seed uint64, segments [][3]float64, change int64) outcome {
	tb.Helper()
	s := must(tb, c)
	o := outcome{delay: -1}
	for i, x := range (streamSpec{Kind: "errors", Seed: seed, Segments: segments}).values() {
		zone, err := s.Update(x)
		if err != nil {
			tb.Fatal(err)
		}
		if zone != Drifted {
			continue
		}
		o.alarms++
		if o.delay < 0 && change >= 0 && int64(i) >= change {
			o.delay = int64(i) - change
			return o
		}
	}
	return o
}
