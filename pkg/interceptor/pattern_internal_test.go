package interceptor

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// Every pattern of both contracts is said in words, whose example follows it, and nothing else is.
func TestPatternsAreSaidInWords(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(string(f.Package()), "aumos.") {
			patternsOf(f.Messages(), asked)
		}
		return true
	})
	if got, want := slices.Sorted(maps.Keys(patterns)), slices.Sorted(maps.Keys(asked)); !slices.Equal(got, want) {
		t.Errorf("in words:\n%s\nin the contracts:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for pattern, words := range patterns {
		for _, example := range regexp.MustCompile(`for example "(.*?)"`).FindAllStringSubmatch(words, -1) {
			if !regexp.MustCompile(pattern).MatchString(example[1]) {
				t.Errorf("%q does not match %s", example[1], pattern)
			}
		}
		if !strings.Contains(words, "for example") {
			t.Errorf("%s has no example", pattern)
		}
	}
}

func patternsOf(messages protoreflect.MessageDescriptors, to map[string]bool) {
	for i := range messages.Len() {
		m := messages.Get(i)
		patternsOf(m.Messages(), to)
		for j := range m.Fields().Len() {
			rules, _ := proto.GetExtension(m.Fields().Get(j).Options(), validate.E_Field).(*validate.FieldRules)
			for _, r := range []*validate.FieldRules{rules, rules.GetRepeated().GetItems(), rules.GetMap().GetKeys(), rules.GetMap().GetValues()} {
				if r.GetString().HasPattern() {
					to[r.GetString().GetPattern()] = true
				}
			}
		}
	}
}

func TestBrokenPatternsAreDescribed(t *testing.T) {
	t.Parallel()
	err := validateMessage(&governancev1.CreatePolicyRequest{Name: "-", DecisionPoints: []string{"loan.approve", "loan"}, Labels: map[string]string{"Team": ""}, RequestId: "x"})
	broken, ok := err.(*invalidRequestError) //nolint:errorlint // as the layer above asks
	if !ok {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range broken.public().Violations {
		got[v.Field] = v.Description
	}
	for field, says := range map[string]string{"name": "loan limits", "decision_points[1]": "loan.approve", `labels["Team"]`: "cost-center", "request_id": "UUID"} {
		if !strings.Contains(got[field], says) || strings.Contains(got[field], "regex") {
			t.Errorf("%s: %q, want %s in it", field, got[field], says)
		}
	}
}
