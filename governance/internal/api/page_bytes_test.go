package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// messageLimit is what a gRPC client takes unless it was told otherwise.
const messageLimit = 4 << 20

// TestPagesFitMessages walks through lists of the largest rows: a page ends early and leads on, nothing comes twice, and nothing is left out.
func TestPagesFitMessages(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	const rows = 520
	policies, versions := make([]string, rows), make([]string, rows)
	p := c.policy("p")
	description, author := strings.Repeat("😀", 2000), strings.Repeat("x", 255)
	references := make([]string, 8)
	for i := range references {
		references[i] = fmt.Sprint(strings.Repeat("x", 100), i)
	}
	err := postgres.TenantTx(tenant.NewContext(t.Context(), tenantA), r.pool, func(ctx context.Context, tx pgx.Tx) error {
		for i := range rows {
			created, err := policy.Create(ctx, tx, policy.Definition{
				Name: fmt.Sprint("long ", i), Description: description, DecisionPoints: []string{"x.y"}, RegulationReferences: references,
			})
			if err != nil {
				return err
			}
			v, err := policy.CreateVersion(ctx, tx, uuid.MustParse(p.GetId()), policy.Content{
				Modules: []policy.Module{{Path: "p.rego", Source: "package p"}}, Package: strings.Repeat("p", 255), Description: description, Author: author,
			})
			if err != nil {
				return err
			}
			policies[rows-1-i], versions[rows-1-i] = created.ID.String(), v.ID.String()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]struct {
		want []string
		page func(token string) (proto.Message, []string, string, error)
	}{
		"policies": {policies, func(token string) (proto.Message, []string, string, error) {
			res, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{DecisionPoint: "x.y", PageSize: 500, PageToken: token})
			return res, idsOf(res.GetPolicies()), res.GetNextPageToken(), err
		}},
		"versions": {versions, func(token string) (proto.Message, []string, string, error) {
			res, err := c.ListPolicyVersions(t.Context(), &governancev1.ListPolicyVersionsRequest{PolicyId: p.GetId(), PageSize: 500, PageToken: token})
			return res, idsOf(res.GetPolicyVersions()), res.GetNextPageToken(), err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			pages := 0
			for token := ""; pages == 0 || token != ""; pages++ {
				res, ids, next, err := list.page(token)
				if err != nil || len(ids) == 0 || proto.Size(res) > messageLimit {
					t.Fatalf("a page of %d rows, %d bytes: %v", len(ids), proto.Size(res), err)
				}
				got, token = append(got, ids...), next
			}
			if !slices.Equal(got, list.want) || pages < 2 {
				t.Errorf("%d of %d rows on %d pages", len(got), len(list.want), pages)
			}
		})
	}
}

func idsOf[M interface{ GetId() string }](messages []M) []string {
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.GetId()
	}
	return ids
}
