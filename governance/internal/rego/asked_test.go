package rego_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// What carries a question to a worker and the answer back is used again. Everybody gets the answer to the own question all the same, also beside callers that
// leave and evaluations that are given up.
func TestAnswersAreThoseOfTheQuestions(t *testing.T) {
	t.Parallel()
	quick := compile(t, `package p
default allow := false
violations contains sprintf("%d", [input.n])`)
	endless := compile(t, `package p
allow if {
	some i in numbers.range(1, 100000)
	some j in numbers.range(1, 100000)
	i * j < 0
}`)
	e := engine(t, rego.Config{Deadline: 10 * time.Millisecond, Slots: 1000, TenantSlots: 100})
	var asked sync.WaitGroup
	answers := make([]int, 8)
	for caller := range answers {
		asked.Go(func() {
			for n := range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				c := quick
				switch rand.IntN(20) {
				case 0:
					c = endless
				case 1:
					go cancel()
				}
				q := question(c, input(t, map[string]any{"n": float64(caller*1000 + n)}))
				q.Tenant, q.Tenure.Version = tenant.ID{1, byte(caller)}, uuid.New() // no quarantine
				r, err := e.Evaluate(ctx, q)
				cancel()
				if err != nil || r.Outcome == rego.Error { // late, or gone
					continue
				}
				answers[caller]++
				if want := strconv.Itoa(caller*1000 + n); r.Outcome != rego.Deny || len(r.Violations) != 1 || r.Violations[0].Message != want {
					t.Errorf("%s: got %+v", want, r)
				}
			}
		})
	}
	asked.Wait()
	for caller, n := range answers {
		if n == 0 {
			t.Errorf("caller %d got no answer", caller)
		}
	}
}
