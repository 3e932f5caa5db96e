package api_test

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// shadows is what asks candidates in a replica.
type shadows struct {
	*shadow.Runner

	engine *rego.Engine
}

// shadows runs candidates until the returned function is called, which waits until all that they found is stored.
func (p *platform) shadows(limits rego.Config) (shadows, context.CancelFunc) {
	p.t.Helper()
	config := shadow.EngineConfig(limits)
	if p.candidateDeadline > 0 {
		config.Deadline = p.candidateDeadline
	}
	s := shadows{engine: rego.NewEngine(config)}
	p.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.engine.Close(ctx); err != nil {
			p.t.Error(err)
		}
	})
	var err error
	s.Runner, err = shadow.New(shadow.Config{Pool: p.governance.App, Engine: s.engine, StoreEvery: 5 * time.Millisecond, Log: audittest.Quiet()})
	if err != nil {
		p.t.Fatal(err)
	}
	return s, run(p.t, s.Run)
}

func (c client) startShadow(versionID string, rate float64) *governancev1.Shadow {
	c.t.Helper()
	res, err := c.StartShadow(c.t.Context(), &governancev1.StartShadowRequest{
		PolicyVersionId: versionID, SamplingRate: rate, Duration: durationpb.New(time.Hour),
	})
	if err != nil {
		c.t.Fatalf("StartShadow: %v", err)
	}
	return res.GetShadow()
}

func (c client) shadow(id string) *governancev1.Shadow {
	c.t.Helper()
	res, err := c.GetShadow(c.t.Context(), &governancev1.GetShadowRequest{ShadowId: id})
	if err != nil {
		c.t.Fatalf("GetShadow: %v", err)
	}
	return res.GetShadow()
}

// waitCompared waits until the shadow has seen so many decisions.
func (c client) waitCompared(id string, n int64) *governancev1.Shadow {
	c.t.Helper()
	waitFor(c.t, fmt.Sprintf("%d decisions are compared", n), func() bool { return c.shadow(id).GetSummary().GetCompared() >= n })
	return c.shadow(id)
}

// shadowDifferences returns all of them, page by page.
func (c client) shadowDifferences(id string, pageSize int32) (all []*governancev1.ShadowDifference) {
	c.t.Helper()
	req := &governancev1.ListShadowDifferencesRequest{ShadowId: id, PageSize: pageSize}
	for {
		res, err := c.ListShadowDifferences(c.t.Context(), req)
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, res.GetDifferences()...)
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			return all
		}
	}
}

func x(value float64) map[string]any { return map[string]any{"x": value} }
