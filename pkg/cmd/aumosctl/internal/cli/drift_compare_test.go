package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func TestDriftCompare(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.run(t, "drift", "compare", winter, summer).expect(t, 1)
	golden(t, "drift_compare.txt", got.stdout)
	c := p.drift.compared[0]
	if len(c.header.GetFeatures()) != 0 || c.rows != [2]int{3000, 3000} || len(c.columns[0]) != 16 || c.columns[1]["weekend"] != "booleans" {
		t.Errorf("got %+v", c)
	}
	golden(t, "drift_compare.json", p.run(t, "drift", "compare", winter, summer, "-o", "json").expect(t, 1).stdout)
	p.drift.verdict = driftv1.DriftStatus_DRIFT_STATUS_OK
	p.run(t, "drift", "compare", winter, summer).expect(t, 0)
	p.drift.verdict = driftv1.DriftStatus_DRIFT_STATUS_WARNING
	p.run(t, "drift", "compare", winter, summer).expect(t, 2)
	if len(p.drift.monitors)+len(p.drift.models) != 0 {
		t.Error("a comparison left something behind")
	}
}

// TestDriftCompareTypes takes the current columns as the baseline's wherever their values can be.
func TestDriftCompareTypes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	before := writeFile(t, "before.csv", "code,n,flag,empty,mostly,note,at,gone\nA1,1,true,5,1,hello,2026-11-22,1\nB2,2,false,6,2,world,2026-11-22T10:00:00.5+01:00,2\n")
	after := writeFile(t, "after.csv", "code,n,flag,empty,mostly,note,at,new\n7,x,1,,1,hello,2026-11-23,1\n8,y,0,,no,world,2026-11-24 10:00:00,2\n")
	p.run(t, "drift", "compare", before, after).expect(t, 1).says(t, `n is categorical in `+after+`, not numeric as in the baseline: line 2: "x" is not a number`)
	want := [2]map[string]string{
		{"code": "texts", "n": "numbers", "flag": "booleans", "empty": "numbers", "mostly": "numbers", "note": "texts", "at": "timestamps", "gone": "numbers"},
		{"code": "texts", "n": "texts", "flag": "booleans", "empty": "numbers", "mostly": "texts", "note": "texts", "at": "timestamps", "new": "numbers"},
	}
	if diff := cmp.Diff(want, p.drift.compared[0].columns); diff != "" {
		t.Error(diff)
	}
	p.run(t, "drift", "compare", before, after, "--feature", "note:text", "--feature", "at:timestamp", "--feature", "n:numeric:ks,psi:psi/decile-ref", "--feature", "gone:numeric",
		"--importance", "n=2", "--row-tests", "mmd", "--fdr", "0.01", "--permutations", "199", "--seed", "7", "--min-rows", "2").expect(t, 1)
	c := p.drift.compared[1]
	want = [2]map[string]string{
		{"note": "texts", "at": "timestamps", "n": "numbers", "gone": "numbers"},
		{"note": "texts", "at": "timestamps", "n": "texts"},
	}
	if diff := cmp.Diff(want, c.columns); diff != "" {
		t.Error(diff)
	}
	wantHeader := &driftv1.ComparisonHeader{
		Features: []*driftv1.ComparedFeature{
			{Name: "note", Type: driftv1.FeatureType_FEATURE_TYPE_TEXT},
			{Name: "at", Type: driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP},
			{Name: "n", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC, Importance: new(2.0), Tests: []*driftv1.TestSetting{
				{Test: driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV}, {Test: driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX, Convention: "psi/decile-ref"},
			}},
			{Name: "gone", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC},
		},
		Rule:         &driftv1.DecisionRule{FalseDiscoveryRate: new(0.01), MinRows: new(int32(2))},
		RowTests:     []*driftv1.TestSetting{{Test: driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY}},
		Permutations: new(int32(199)), Seed: 7,
	}
	if diff := cmp.Diff(wantHeader, c.header, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}

	// --tests goes to the columns that it applies to.
	p.run(t, "drift", "compare", before, after, "--tests", "ks,psi", "--ignore", "at", "--type", "note=text").expect(t, 1).says(t, "does not have the column new")
	var tests []string
	for _, f := range p.drift.compared[2].header.GetFeatures() {
		names := []string{f.GetName(), strings.TrimPrefix(f.GetType().String(), "FEATURE_TYPE_")}
		for _, test := range f.GetTests() {
			names = append(names, strings.TrimPrefix(test.GetTest().String(), "DRIFT_TEST_"))
		}
		tests = append(tests, strings.Join(names, " "))
	}
	both := " NUMERIC KOLMOGOROV_SMIRNOV POPULATION_STABILITY_INDEX"
	wantTests := []string{"code CATEGORICAL POPULATION_STABILITY_INDEX", "n" + both, "flag BOOLEAN", "empty" + both, "mostly" + both, "note TEXT", "gone" + both}
	if diff := cmp.Diff(wantTests, tests); diff != "" {
		t.Error(diff)
	}
}

// TestDriftCompareRich takes instants, vectors and texts for what they are, with what flags say their values must be.
func TestDriftCompareRich(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	before := writeFile(t, "before.csv", "at,emb,answer,n,id\n2026-11-22T10:00:00Z,\"[1,2]\",the first of all,1,a\n2026-11-23 10:00:00,\"[3,-4e1]\",another one that is long,2,b\n")
	after := writeFile(t, "after.csv", "at,emb,answer,n,id\n2026-11-24T10:00:00+01:00,\"[5,6]\",no,1,c\n")
	p.run(t, "drift", "compare", before, after, "--constraint", "answer:format=json", "--constraint", "answer:pattern=a:min=[0-9]+", "--constraint", "n:min=-1", "--constraint", "n:max=2.5",
		"--constraint", "id:allowed=a", "--constraint", "id:allowed=b=c", "--constraint", "id:unique", "--time-zone", "at=Europe/Berlin").expect(t, 1)
	c := p.drift.compared[0]
	kinds := map[string]string{"at": "timestamps", "emb": "vectors of 2", "answer": "texts", "n": "numbers", "id": "texts"}
	if diff := cmp.Diff([2]map[string]string{kinds, kinds}, c.columns); diff != "" {
		t.Error(diff)
	}
	want := []*driftv1.ComparedFeature{
		{Name: "at", Type: driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP, TimeZone: "Europe/Berlin"},
		{Name: "emb", Type: driftv1.FeatureType_FEATURE_TYPE_VECTOR},
		{Name: "answer", Type: driftv1.FeatureType_FEATURE_TYPE_TEXT, Constraint: &driftv1.FeatureConstraint{Format: "json", Pattern: "a:min=[0-9]+"}},
		{Name: "n", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC, Constraint: &driftv1.FeatureConstraint{Min: new(-1.0), Max: new(2.5)}},
		{Name: "id", Type: driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL, Constraint: &driftv1.FeatureConstraint{Allowed: []string{"a", "b=c"}, Unique: true}},
	}
	if diff := cmp.Diff(want, c.header.GetFeatures(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	p.run(t, "drift", "detect", "--baseline", before, "--current", after, "--min-rows", "2") // a monitor takes them for categories
	if columns := p.drift.monitors[0].GetFeatures(); columns[0].GetType() != driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL {
		t.Errorf("got %v", columns)
	}
}

func TestDriftCompareRefusals(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	short := writeFile(t, "short.csv", "a,b:c\n1,x\n2,y\n")
	bare := writeFile(t, "bare.csv", "1;x\n2;y\n")
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{short}, "accepts 2 arg(s)"},
		{[]string{short, "absent.csv"}, "absent.csv"},
		{[]string{short, bare}, "no column is in both files: " + short + " has a, b:c; " + bare + " has 1;x: do both have a header"},
		{[]string{short, short, "--feature", "a"}, "say COLUMN:TYPE"},
		{[]string{short, short, "--feature", "a:image"}, "say COLUMN:TYPE"},
		{[]string{short, short, "--feature", "a:numeric:t"}, `"t" is no test`},
		{[]string{short, short, "--feature", "a:numeric", "--ignore", "a"}, "leave --type and --ignore out"},
		{[]string{short, short, "--type", "a=image"}, `"image" is none of`},
		{[]string{short, short, "--ignore", "z"}, `no column "z"`},
		{[]string{short, short, "--tests", "ks:own"}, `no test ks of features with the convention "own"`},
		{[]string{short, short, "--tests", "welch_t"}, "no test welch_t"},
		{[]string{short, short, "--row-tests", "x"}, `"x" is no test`},
		{[]string{short, short, "--tests", "psi:psi/category", "--ignore", "b:c"}, "none applies to any column"},
		{[]string{short, short, "--feature", "z:numeric"}, "has none of the columns of --feature: it has a, b:c"},
		{[]string{short, short, "--feature", "a:numeric", "--feature", "z:numeric"}, "--feature z: neither file has such a column"},
		{[]string{short, short, "--feature", "a:vector"}, `line 2, column "a": "1" is no vector as [0.12, -3, 4e-5]`},
		{[]string{short, short, "--constraint", "a"}, "say COLUMN:min=NUMBER"},
		{[]string{short, short, "--constraint", "a:min=x"}, `"x" is no number`},
		{[]string{short, short, "--constraint", "z:unique"}, "--constraint z: no such column is compared"},
		{[]string{short, short, "--constraint", "a:pattern=x"}, "pattern is for categorical, text columns, and a is numeric"},
		{[]string{short, short, "--constraint", "b:c:format=json"}, "format is for text columns, and b:c is categorical"},
		{[]string{short, short, "--time-zone", "a=UTC"}, "only timestamps have one, and a is numeric"},
		{[]string{short, short, "--importance", "a=-1"}, "at least 0"},
		{[]string{short, short, "--importance", "z=1"}, "no such column is compared"},
		{[]string{short, short, "--importance", "a"}, "say COLUMN=VALUE"},
	} {
		p.run(t, append([]string{"drift", "compare"}, test.args...)...).expect(t, 3).says(t, test.says)
	}
	if len(p.drift.compared) != 0 {
		t.Errorf("got %d comparisons", len(p.drift.compared))
	}
	p.run(t, "drift", "compare", short, short, "--feature", "b:c:categorical").expect(t, 1)
	if f := p.drift.compared[0].header.GetFeatures(); len(f) != 1 || f[0].GetName() != "b:c" {
		t.Errorf("got %v", f)
	}
	p.drift.refuse = refuse(codes.ResourceExhausted, "OVERLOADED", "too much at once")
	p.run(t, "drift", "compare", winter, summer).expect(t, 3).says(t, "OVERLOADED")
}

// TestDriftDetectTests gives every column the tests that apply to it, and those named for one to that one alone.
func TestDriftDetectTests(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	data := writeFile(t, "data.csv", "n,m,c,b\n1,2,x,true\n2,3,y,false\n")
	args := []string{"drift", "detect", "--baseline", data, "--current", data, "--tests", "ks,psi:psi/decile-ref", "--test", "m=welch-t:welch-t/two-sided"}
	p.run(t, args...).expect(t, 3).says(t, `"welch-t" is no test`)
	args[len(args)-1] = "m=welch_t:welch-t/two-sided"
	p.run(t, args...).expect(t, 0)
	want := map[string]string{
		"n": "ks psi:psi/decile-ref missing", "m": "welch_t:welch-t/two-sided missing", "c": "chi_square missing", "b": "chi_square missing",
	}
	for _, f := range p.drift.monitors[0].GetFeatures() {
		var tests []string
		for _, test := range f.GetTests() {
			name := strings.ToLower(strings.TrimPrefix(test.GetTest().String(), "DRIFT_TEST_"))
			name = strings.NewReplacer("kolmogorov_smirnov", "ks", "population_stability_index", "psi", "missing_rate", "missing").Replace(name)
			tests = append(tests, strings.TrimSuffix(name+":"+test.GetConvention(), ":"))
		}
		if got := strings.Join(tests, " "); got != want[f.GetName()] {
			t.Errorf("%s: got %s, want %s", f.GetName(), got, want[f.GetName()])
		}
	}
	p.run(t, args...).expect(t, 0) // the same monitor again
	p.run(t, append(args[:len(args)-2:len(args)-2], "--test", "m=welch_t:welch-t/other")...).expect(t, 3).says(t, "m has other tests")
}

func TestDriftTests(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	golden(t, "drift_tests.txt", p.run(t, "drift", "tests").expect(t, 0).stdout)
	golden(t, "drift_tests_psi.txt", p.run(t, "drift", "tests", "psi").expect(t, 0).stdout)
	p.run(t, "drift", "tests", "--type", "categorical", "ks").expect(t, 3).says(t, "the test ks is none of those that --type and --scope leave")
	if out := p.run(t, "drift", "tests", "--type", "categorical").expect(t, 0).stdout; !strings.Contains(out, "psi/category") || strings.Contains(out, "psi/decile-ref") {
		t.Errorf("conventions of other types: %s", out)
	}
	p.run(t, "drift", "tests", "--type", "image").expect(t, 3).says(t, `"image" is none of numeric, categorical, boolean, text, timestamp, vector`)
	p.run(t, "drift", "tests", "--scope", "all").expect(t, 3).says(t, "--scope")
	p.run(t, "drift", "tests", "magic").expect(t, 3).says(t, `"magic" is no test`)
	p.run(t, "drift", "tests", "-o", "jsonl", "--scope", "feature").expect(t, 0).says(t, `"psi/decile-ref"`)
	p.run(t, "drift", "tests", "ks", "-o", "json").expect(t, 0).says(t, `"null_hypothesis"`)
}

func TestDriftRecommend(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "drift", "recommend", "--type", "numeric", "--baseline-rows", "100").expect(t, 0).says(t, "ks/two-sample", "finds any change")
	p.run(t, "drift", "recommend", "--type", "numeric", "-o", "json").expect(t, 0).says(t, `"recommendations"`)
	p.run(t, "drift", "recommend").expect(t, 3).says(t, `required flag(s) "type" not set`)
	p.run(t, "drift", "recommend", "--type", "x").expect(t, 3).says(t, "is none of")
}
