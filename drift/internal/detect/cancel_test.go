package detect_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/cputest"
	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// TestEvaluateStopsWithinTests ends the context within tests that take seconds by themselves.
func TestEvaluateStopsWithinTests(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	texts := make([]string, 20_000)
	for i := range texts {
		texts[i] = fmt.Sprintf("%x %x %x %x %x %x", rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64())
	}
	words := detect.Sample{Texts: texts, Rows: int64(len(texts))}
	var table detect.Table
	for i := range 10 {
		table.Rows = 2000
		table.Columns = append(table.Columns, detect.TableColumn{Name: strconv.Itoa(i), Type: detect.Numeric, Numbers: repeat(table.Rows, func(int) float64 { return rng.NormFloat64() })})
	}
	slow := &detect.Constraint{Pattern: regexp.MustCompile(`\A(?:(?:.?){30}){30}x\z`)}
	for _, test := range []detect.Test{
		detect.TestTokenFrequency, detect.TestOutOfVocabulary, detect.TestVocabulary, detect.TestConstraintViolation, detect.TestMMD, detect.TestEnergy,
	} {
		t.Run(string(test), func(t *testing.T) {
			t.Parallel()
			setting := []detect.TestSetting{{Test: test}}
			in := detect.Input{Features: []detect.FeatureInput{{Name: "f", Type: detect.Text, CurrentType: detect.Text, Tests: setting, Baseline: words, Current: words, Constraint: slow}}}
			if test == detect.TestMMD || test == detect.TestEnergy {
				in = detect.Input{Rows: &detect.RowInput{Tests: append(setting, detect.TestSetting{Test: detect.TestCovariance}), Baseline: table, Current: table}}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			start := cputest.Now(t)
			_, err := detect.Evaluate(ctx, in, detect.Settings{Permutations: 9999})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if took := cputest.Since(t, start); took > 20*time.Second { // a second; to their ends they take up to minutes
				t.Errorf("took %v", took)
			}
		})
	}
}
