package api_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	samples = 30
	rounds  = 4
	// tells is how far from a half the probability that one call takes longer than the other must be to tell them apart. Calls that do not differ get there by
	// chance once in a thousand rounds (3.3 standard deviations of the Mann–Whitney statistic over 30 and 30 values), so never in all rounds.
	tells = 0.25
)

// How long an answer takes tells no more than the answer: whether another tenant has what an id names.
func TestTimeTellsNothingOfOtherTenants(t *testing.T) { // not parallel: it measures time
	_, a, b := worlds(t)
	var power []string
	for name, method := range rpcs() {
		c := tenantCalls[name]
		for _, field := range idFields(c.request(b).ProtoReflect()) {
			if slices.Contains(c.free, field.name) || slices.Contains(c.selects, field.name) {
				continue
			}
			unknown, err := uuid.NewV7()
			if err != nil {
				t.Fatal(err)
			}
			ask := func(id string) proto.Message {
				req := c.request(b)
				field.set(req, id)
				return req
			}
			foreign, none := ask(field.get(c.request(a))), ask(unknown.String())
			first := differs(b, method, foreign, none)
			always := first != 0
			for range rounds - 1 {
				always = always && differs(b, method, foreign, none) == first
			}
			if always {
				t.Errorf("%s, %s: an id of another tenant and one of nobody take different times", name, field.path)
			}
			if harmless(method) && differs(b, method, c.request(b), none) != 0 {
				power = append(power, name)
			}
		}
	}
	t.Logf("the tenant's own are told from what does not exist by %v", power)
	if len(power) == 0 {
		t.Error("not even the tenant's own are told from what does not exist: the test cannot fail")
	}
}

// differs times two calls in turns and returns which of the two is slower, or 0.
func differs(w *world, method protoreflect.MethodDescriptor, x, y proto.Message) int {
	w.t.Helper()
	var took [2][]time.Duration
	for range samples {
		order := rand.Perm(2)
		for _, i := range order {
			req := []proto.Message{x, y}[i]
			start := time.Now()
			_, _ = w.call(w.t.Context(), method, req)
			took[i] = append(took[i], time.Since(start))
		}
	}
	var longer float64
	for _, p := range took[0] {
		for _, q := range took[1] {
			switch {
			case p > q:
				longer++
			case p == q:
				longer += 0.5
			}
		}
	}
	switch share := longer / samples / samples; {
	case share > 0.5+tells:
		return 1
	case share < 0.5-tells:
		return -1
	}
	return 0
}
