package api

import (
	"fmt"
	"iter"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// specOf checks a spec and returns it as it is stored; field is its place in the request.
func specOf(field string, m *governancev1.PolicyTestSpec) (suite.Spec, error) {
	if _, err := testOf(field, m, uuid.Nil); err != nil {
		return suite.Spec{}, err
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return suite.Spec{}, fmt.Errorf("marshal test case: %w", err)
	}
	return suite.Spec{Name: m.GetName(), Tags: m.GetTags(), Content: content}, nil
}

func specsOf(messages []*governancev1.PolicyTestSpec) ([]suite.Spec, error) {
	specs := make([]suite.Spec, len(messages))
	for i, m := range messages {
		var err error
		if specs[i], err = specOf(element("specs", i), m); err != nil {
			return nil, err
		}
	}
	return specs, nil
}

// The clock of policies counts nanoseconds since 1970 in 64 bits.
const (
	firstYear = 1678
	lastYear  = 2261
)

// testOf returns the test that a spec describes. It fails with INVALID_FIELD.
func testOf(field string, m *governancev1.PolicyTestSpec, caseID uuid.UUID) (suite.Test, error) {
	t := suite.Test{CaseID: caseID, Name: m.GetName(), Want: suite.Expectation{
		Outcome:    rego.Outcome(m.GetExpectedOutcome()), // defined values only; a test makes sure that the numbers agree
		Violations: m.GetExpectedViolations(), AnyViolations: m.GetAnyViolations(),
		Obligations: m.GetExpectedObligations(), AnyObligations: m.GetAnyObligations(),
	}}
	var err error
	if t.Input, err = rego.InputOf(m.GetInput()); err != nil {
		return t, within(field, err)
	}
	if m.GetData() != nil {
		data, err := rego.NewData(m.GetData().AsMap())
		if err != nil {
			return t, within(field, err)
		}
		t.Data = &data
	}
	if m.GetNow() != nil {
		t.Now = m.GetNow().AsTime()
		if year := t.Now.Year(); m.GetNow().CheckValid() != nil || year < firstYear || year > lastYear {
			return t, errs.InvalidField(field+".now", "must be between the years %d and %d", firstYear, lastYear)
		}
	}
	return t, nil
}

// storedTests are the tests that stored cases describe. Each is made when its turn comes: all inputs together, as the evaluator wants them, would take
// many times their size.
func storedTests(cases []suite.Case) iter.Seq2[suite.Test, error] {
	return func(yield func(suite.Test, error) bool) {
		for _, c := range cases {
			var t suite.Test
			spec, err := storedSpec(c)
			if err == nil {
				if t, err = testOf("spec", spec, c.ID); err != nil {
					err = fmt.Errorf("read test case %s: %w", c.ID, err)
				}
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// givenTests are the tests of a request that have one of the tags, or all if there are no tags.
func givenTests(specs []*governancev1.PolicyTestSpec, tags []string) iter.Seq2[suite.Test, error] {
	tagged := func(tag string) bool { return slices.Contains(tags, tag) }
	return func(yield func(suite.Test, error) bool) {
		for i, spec := range specs {
			if len(tags) > 0 && !slices.ContainsFunc(spec.GetTags(), tagged) {
				continue
			}
			if !yield(testOf(element("specs", i), spec, uuid.Nil)) {
				return
			}
		}
	}
}

func storedSpec(c suite.Case) (*governancev1.PolicyTestSpec, error) {
	spec := new(governancev1.PolicyTestSpec)
	if err := proto.Unmarshal(c.Content, spec); err != nil {
		return nil, fmt.Errorf("read test case %s: %w", c.ID, err)
	}
	return spec, nil
}

func caseMessage(c suite.Case) (*governancev1.PolicyTestCase, error) {
	spec, err := storedSpec(c)
	if err != nil {
		return nil, err
	}
	return &governancev1.PolicyTestCase{
		Id: c.ID.String(), PolicyId: c.PolicyID.String(), Spec: spec, Etag: c.ETag(),
		CreateTime: timestamppb.New(c.CreateTime), UpdateTime: timestamppb.New(c.UpdateTime),
	}, nil
}
