package detect_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

func has(s detect.Spec, name string) bool {
	return slices.ContainsFunc(s.Parameters(), func(p detect.Parameter) bool { return p.Name == name })
}

func TestParameters(t *testing.T) {
	t.Parallel()
	for _, spec := range detect.Catalog() {
		var names []string
		for _, p := range spec.Parameters() {
			if p.Name == "" || p.Description == "" || p.Default == "" || p.Range == "" {
				t.Errorf("%s: %+v", spec.Test, p)
			}
			names = append(names, p.Name)
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != len(spec.Parameters()) || !has(spec, "test.min_effect") {
			t.Errorf("%s has the parameters %v", spec.Test, names)
		}
	}
}

// A p-value from draws depends on their number and seed, so that the test must tell of both; one that never draws must not.
func TestDrawsHaveParameters(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	skewed := func() detect.Sample { // rare values and many ties, for which closed forms are given up
		values := make([]float64, 60)
		for i := range 9 {
			values[i] = float64(1 + rng.IntN(3))
		}
		slices.Sort(values)
		return detect.Sample{Sorted: values, Rows: 60}
	}
	counts := detect.Sample{Counts: map[string]int64{"a": 20, "b": 20, "c": 15, "d": 5}, Rows: 60}
	words := detect.Sample{Texts: strings.Split(strings.Repeat("some words;and others;", 30), ";")[:60], Rows: 60}
	run, err := detect.Evaluate(context.Background(), detect.Input{Features: []detect.FeatureInput{
		{Name: "x", Type: detect.Numeric, Baseline: skewed(), Current: skewed(), Tests: everyTest(detect.Numeric)},
		{Name: "c", Type: detect.Categorical, Baseline: counts, Current: counts, Tests: everyTest(detect.Categorical)},
		{Name: "t", Type: detect.Text, Baseline: words, Current: words, Tests: everyTest(detect.Text)},
	}}, detect.Settings{Permutations: 99})
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for _, f := range run.Features {
		for _, r := range f.Results {
			spec, _ := detect.Lookup(r.Test)
			if r.PMethod != detect.PPermutation {
				continue
			}
			drawn++
			if !has(spec, "permutations") || !has(spec, "seed") {
				t.Errorf("%s draws and does not say so", r.Test)
			}
		}
	}
	if drawn < 15 {
		t.Errorf("%d results are from draws", drawn)
	}
	if ks, _ := detect.Lookup(detect.TestKS); has(ks, "seed") {
		t.Error("KS never draws")
	}
}

// TestMinEffectIsReachable refuses a smallest effect that no effect reaches, as a field, and takes the largest that there is.
func TestMinEffectIsReachable(t *testing.T) {
	t.Parallel()
	bounded := 0
	for _, spec := range detect.Catalog() {
		if strings.HasSuffix(spec.EffectRange, "upwards") != (spec.MaxEffect == 0) || spec.MaxEffect == 1 && !strings.HasPrefix(spec.EffectRange, "0 to 1") {
			t.Errorf("%s: effects from %s, at most %v", spec.Test, spec.EffectRange, spec.MaxEffect)
		}
		kind := spec.Types[0]
		validate := func(t detect.TestSetting) error { return t.Validate(kind) }
		if spec.Scope == detect.ScopeRows {
			validate = detect.TestSetting.ValidateRows
		}
		for _, named := range spec.Conventions {
			if len(named.Types) > 0 {
				kind = named.Types[0]
			}
			if spec.Scope == detect.ScopeRows && kind == detect.Vector {
				continue
			}
			convention, _ := spec.Convention(named.Name, kind)
			setting := detect.TestSetting{Test: spec.Test, Convention: named.Name, MinEffect: convention.MaxEffect}
			if convention.MaxEffect == 0 {
				setting.MinEffect = 1e6
			}
			if err := validate(setting); err != nil {
				t.Errorf("%s: %v", named.Name, err)
			}
			if convention.MaxEffect == 0 {
				continue
			}
			bounded++
			setting.MinEffect = math.Nextafter(convention.MaxEffect, 9)
			refused, ok := errors.AsType[*detect.SettingError](validate(setting))
			if !ok || refused.Member != "min_effect" || !strings.Contains(refused.Error(), "is never more") {
				t.Errorf("%s: %v is taken: %v", named.Name, setting.MinEffect, refused)
			}
		}
	}
	if bounded < 40 {
		t.Errorf("%d conventions have a largest effect", bounded)
	}
	nats := detect.TestSetting{Test: detect.TestJensenShannon, Convention: "js/nats-sturges", MinEffect: 0.9}
	if err := nats.Validate(detect.Numeric); err == nil {
		t.Error("a distance of 0.9 nats is taken")
	}
}
