package replay

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// Resource is the replay as entries of the wall hold it: counts and digests, never what decisions or modules say.
func (r Replay) Resource() auditlog.Resource {
	state := map[string]any{
		"id": r.ID.String(), "policy_id": r.PolicyID.String(), "content_sha256": r.ContentSHA256.String(), "state": string(r.State),
		"start_time": stamp(r.From), "end_time": stamp(r.Before), "subject": r.Subject, "create_time": stamp(r.CreateTime),
		"scanned": float64(r.Scanned()), "total": float64(r.Total()),
		"inputs_missing": float64(r.InputsMissing), "inputs_masked": float64(r.InputsMasked),
		"summary": counts(r.Summary), "decisions_summary": counts(r.DecisionsSummary),
	}
	if r.VersionID != uuid.Nil {
		state["policy_version_id"] = r.VersionID.String()
	}
	if r.DecisionPoint != "" {
		state["decision_point"] = r.DecisionPoint
	}
	if r.Error != "" {
		state["error"] = r.Error
	}
	return auditlog.Resource{Type: "policy_replay", ID: r.ID.String(), State: state}
}

func counts(s difference.Summary) map[string]any {
	return map[string]any{
		"compared": float64(s.Compared), "same": float64(s.Same), "allow_to_deny": float64(s.AllowToDeny), "deny_to_allow": float64(s.DenyToAllow),
		"to_error": float64(s.ToError), "from_error": float64(s.FromError), "violations_changed": float64(s.ViolationsChanged),
		"obligations_changed": float64(s.ObligationsChanged),
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func orLost(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errLost
	}
	return err
}
