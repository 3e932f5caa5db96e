package sample_test

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const room = 1 << 30

var features = []sample.Feature{
	{Name: "delay", Type: detect.Numeric},
	{Name: "carrier", Type: detect.Categorical},
	{Name: "late", Type: detect.Boolean},
}

func numbers(name string, values ...float64) sample.Column {
	return sample.Column{Name: name, Type: detect.Numeric, Numbers: values}
}

func texts(name string, values ...string) sample.Column {
	return sample.Column{Name: name, Type: detect.Categorical, Texts: values}
}

func booleans(name string, values ...bool) sample.Column {
	return sample.Column{Name: name, Type: detect.Boolean, Booleans: values}
}

func without(c sample.Column, rows ...int) sample.Column {
	c.Validity = make([]byte, (c.Rows()+7)/8)
	for i := range c.Rows() {
		if !slices.Contains(rows, i) {
			c.Validity[i/8] |= 1 << (i % 8)
		}
	}
	return c
}

// gather uploads the batches.
func gather(t *testing.T, features []sample.Feature, batches ...[]sample.Column) (sample.Set, error) {
	t.Helper()
	budget := sample.NewBudget(room)
	inlet, err := sample.Admit(tenant.ID{}, budget)
	if err != nil {
		t.Fatal(err)
	}
	a := sample.New(inlet, features)
	t.Cleanup(func() {
		a.Release()
		inlet.Release()
		if used := budget.Used(); used != 0 {
			t.Errorf("%d bytes of the budget are not given back", used)
		}
	})
	for _, b := range batches {
		if err := a.Add(b); err != nil {
			return sample.Set{}, err
		}
	}
	return a.Finish(t.Context())
}

func TestGather(t *testing.T) {
	t.Parallel()
	set, err := gather(t, features,
		[]sample.Column{
			texts("carrier", "UA", "AA"), numbers("delay", 3.5, math.NaN()), booleans("late", true, false),
		},
		[]sample.Column{
			without(numbers("delay", -2, math.Copysign(0, -1), 3.5), 2), without(texts("carrier", "UA", strings.Repeat("x", 5000), "é"), 1),
			without(booleans("late", true, true, false), 0, 1),
		})
	if err != nil {
		t.Fatal(err)
	}
	want := []sample.Sample{
		{Sorted: []float64{-2, 0, 3.5}, Rows: 5, Missing: 2},
		{Counts: map[string]int64{"UA": 2, "AA": 1, "é": 1}, Rows: 5, Missing: 1},
		{Counts: map[string]int64{"true": 1, "false": 2}, Rows: 5, Missing: 2},
	}
	if diff := cmp.Diff(want, set.Samples); diff != "" {
		t.Error(diff)
	}
	if math.Signbit(set.Samples[0].Sorted[1]) {
		t.Error("−0 was kept")
	}
	if set.Rows != 5 {
		t.Errorf("got %d rows", set.Rows)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	carrier, late := texts("carrier", "UA", "AA"), booleans("late", true, false)
	good := []sample.Column{numbers("delay", 1, 2), carrier, late}
	manyNames := make([]string, sample.MaxCategories+1)
	for i := range manyNames {
		manyNames[i] = strconv.Itoa(i)
	}
	manyRows := make([]float64, sample.MaxRows)
	for _, test := range []struct {
		name     string
		features []sample.Feature
		batches  [][]sample.Column
		reason   errs.Reason
		field    string
		metadata map[string]string
	}{
		{name: "nothing", reason: errs.ReasonDataEmpty, field: "batch"},
		{
			name: "no rows", batches: [][]sample.Column{{numbers("delay"), texts("carrier"), booleans("late")}},
			reason: errs.ReasonDataEmpty, field: "batch",
		},
		{
			name: "unknown column", batches: [][]sample.Column{good, append(slices.Clone(good), numbers("speed", 1, 2))},
			reason: errs.ReasonColumnUnknown, field: "batch.columns[3].name", metadata: map[string]string{"column": "speed"},
		},
		{
			name: "missing column", batches: [][]sample.Column{good[:2]},
			reason: errs.ReasonColumnMissing, field: "batch.columns", metadata: map[string]string{"column": "late"},
		},
		{
			name: "no columns", batches: [][]sample.Column{{}},
			reason: errs.ReasonColumnMissing, field: "batch.columns", metadata: map[string]string{"column": "delay"},
		},
		{
			name: "duplicate column", batches: [][]sample.Column{append(slices.Clone(good), carrier)},
			reason: errs.ReasonColumnDuplicate, field: "batch.columns[3].name", metadata: map[string]string{"column": "carrier"},
		},
		{
			name: "wrong type", batches: [][]sample.Column{{texts("delay", "1", "2"), carrier, late}},
			reason: errs.ReasonColumnType, field: "batch.columns[0].texts",
			metadata: map[string]string{"column": "delay", "expected": "NUMERIC", "actual": "CATEGORICAL"},
		},
		{
			name: "different length", batches: [][]sample.Column{{numbers("delay", 1, 2, 3), carrier, late}},
			reason: errs.ReasonColumnLength, field: "batch.columns[1].texts.values", metadata: map[string]string{"column": "carrier"},
		},
		{
			name: "short validity", batches: [][]sample.Column{{
				{Name: "delay", Type: detect.Numeric, Numbers: make([]float64, 9), Validity: []byte{255}},
				texts("carrier", make([]string, 9)...), booleans("late", make([]bool, 9)...),
			}},
			reason: errs.ReasonColumnLength, field: "batch.columns[0].validity", metadata: map[string]string{"column": "delay"},
		},
		{
			name: "infinite in the second batch", batches: [][]sample.Column{good, {late, numbers("delay", 1, math.Inf(-1)), carrier}},
			reason: errs.ReasonValueNotFinite, field: "batch.columns[1].numbers.values[1]", metadata: map[string]string{"column": "delay", "row": "3"},
		},
		{
			name: "long category", batches: [][]sample.Column{{numbers("delay", 1, 2), texts("carrier", strings.Repeat("x", 1024), strings.Repeat("x", 1025)), late}},
			reason: errs.ReasonValueTooLong, field: "batch.columns[1].texts.values[1]", metadata: map[string]string{"column": "carrier", "row": "1"},
		},
		{
			name: "category of 10 MB", batches: [][]sample.Column{{numbers("delay", 1, 2), texts("carrier", strings.Repeat("x", 10<<20), "AA"), late}},
			reason: errs.ReasonValueTooLong, field: "batch.columns[1].texts.values[0]", metadata: map[string]string{"column": "carrier", "row": "0"},
		},
		{
			name: "category not UTF-8", batches: [][]sample.Column{{numbers("delay", 1, 2), texts("carrier", "UA", "\xff"), late}},
			reason: errs.ReasonValueTooLong, field: "batch.columns[1].texts.values[1]", metadata: map[string]string{"column": "carrier", "row": "1"},
		},
		{
			name: "too many categories", features: features[1:2], batches: [][]sample.Column{{texts("carrier", manyNames...)}},
			reason: errs.ReasonCardinalityTooHigh, field: "batch.columns[0].texts.values[10000]", metadata: map[string]string{"column": "carrier"},
		},
		{
			name: "too many rows", features: features[:1], batches: [][]sample.Column{{numbers("delay", manyRows...)}, {numbers("delay", 1)}},
			reason: errs.ReasonDataTooLarge, field: "batch", metadata: map[string]string{"limit": "1000000 rows"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.features == nil {
				test.features = features
			}
			_, err := gather(t, test.features, test.batches...)
			var refused *errs.Error
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if refused.Kind != errs.InvalidArgument || refused.Reason != test.reason {
				t.Errorf("got %v %s: %v", refused.Kind, refused.Reason, err)
			}
			if len(refused.Violations) != 1 || refused.Violations[0].Field != test.field {
				t.Errorf("got violations %v, want field %s", refused.Violations, test.field)
			}
			if diff := cmp.Diff(test.metadata, refused.Metadata); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("a million rows", func(t *testing.T) {
		t.Parallel()
		set, err := gather(t, features[:1], []sample.Column{numbers("delay", make([]float64, sample.MaxRows)...)})
		if err != nil || set.Rows != sample.MaxRows {
			t.Errorf("got %d rows, %v", set.Rows, err)
		}
	})
	t.Run("twenty million cells", func(t *testing.T) {
		t.Parallel()
		// Booleans, which are only counted.
		wide := make([]sample.Feature, 500)
		batch := make([]sample.Column, 500)
		for i := range wide {
			wide[i] = sample.Feature{Name: strconv.Itoa(i), Type: detect.Boolean}
			batch[i] = booleans(wide[i].Name, make([]bool, 40_000)...)
		}
		one := make([]sample.Column, 500)
		for i := range one {
			one[i] = booleans(wide[i].Name, true)
		}
		if _, err := gather(t, wide, batch); err != nil {
			t.Errorf("at the limit: %v", err)
		}
		_, err := gather(t, wide, batch, one)
		var refused *errs.Error
		if !errors.As(err, &refused) || refused.Reason != errs.ReasonDataTooLarge || refused.Metadata["limit"] != "20000000 cells" {
			t.Errorf("over the limit: got %v", err)
		}
	})
	t.Run("names of all categories", func(t *testing.T) {
		t.Parallel()
		var wide []sample.Feature
		var batch []sample.Column
		for i := range 7 { // 7 × 10,000 names of 1,000 bytes are over 64 MiB
			name := strconv.Itoa(i)
			names := make([]string, sample.MaxCategories)
			for j := range names {
				names[j] = strings.Repeat(string(rune('a'+i)), 1000-5) + strconv.Itoa(10000+j)
			}
			wide = append(wide, sample.Feature{Name: name, Type: detect.Categorical})
			batch = append(batch, texts(name, names...))
		}
		_, err := gather(t, wide, batch)
		if errs.ReasonOf(err) != errs.ReasonDataTooLarge {
			t.Errorf("got %v", err)
		}
	})
}

func TestBudget(t *testing.T) {
	t.Parallel()
	budget := sample.NewBudget(130 << 20) // 65 MiB for one tenant
	one, two, three := tenant.ID{1}, tenant.ID{2}, tenant.ID{3}
	start := func(owner tenant.ID) *sample.Inlet {
		t.Helper()
		inlet, err := sample.Admit(owner, budget)
		if err != nil {
			t.Fatal(err)
		}
		return inlet
	}
	first, second := start(one), start(one)
	if _, err := sample.Admit(one, budget); errs.ReasonOf(err) != errs.ReasonOverloaded {
		t.Errorf("a tenant's third upload: got %v", err)
	}
	grows := sample.New(second, features[:1])
	err := grows.Add([]sample.Column{numbers("delay", make([]float64, 200_000)...)})
	var refused *errs.Error
	if !errors.As(err, &refused) || refused.Kind != errs.ResourceExhausted || refused.Reason != errs.ReasonOverloaded || refused.RetryAfter <= 0 {
		t.Errorf("an upload that grows over the tenant's share: got %v", err)
	}
	third, fourth := start(two), start(two) // although another tenant has all of its share
	if _, err := sample.Admit(three, budget); errs.ReasonOf(err) != errs.ReasonOverloaded {
		t.Errorf("an upload over the whole budget: got %v", err)
	}
	first.Release()
	if err := grows.Add([]sample.Column{numbers("delay", make([]float64, 200_000)...)}); err != nil {
		t.Errorf("after another upload has ended: %v", err)
	}
	grows.Release()
	grows.Release()
	for _, inlet := range []*sample.Inlet{second, second, third, fourth} {
		inlet.Release()
	}
	if budget.Used() != 0 {
		t.Errorf("%d bytes are not given back", budget.Used())
	}
}
