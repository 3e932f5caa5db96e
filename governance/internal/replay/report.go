package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// maxPageBytes bounds the differences of one page, under the usual message limit of 4 MiB.
const maxPageBytes = 1 << 20

// ReadReport returns what the replay has found by resource and by rule.
func ReadReport(ctx context.Context, tx pgx.Tx, id uuid.UUID) (report Report, err error) {
	args := pgx.NamedArgs{"id": id, "limit": MaxListed}
	rows, err := tx.Query(ctx, `
		SELECT resource_type, resource_id, compared, same, allow_to_deny, deny_to_allow, to_error, from_error, violations_changed, obligations_changed
		FROM gov_replay_resources
		WHERE replay_id = @id AND changed > 0
		ORDER BY changed DESC, resource_type, resource_id
		LIMIT @limit`, args)
	if err != nil {
		return report, fmt.Errorf("select resources of a replay: %w", err)
	}
	var r ResourceCount
	s := &r.Summary
	fields := []any{
		&r.Resource.Type, &r.Resource.ID, &s.Compared, &s.Same, &s.AllowToDeny, &s.DenyToAllow, &s.ToError, &s.FromError, &s.ViolationsChanged,
		&s.ObligationsChanged,
	}
	_, err = pgx.ForEachRow(rows, fields, func() error {
		report.Resources = append(report.Resources, r)
		r.Resource.ID = nil // a slice of its own for the next
		return nil
	})
	if err != nil {
		return report, fmt.Errorf("select resources of a replay: %w", err)
	}
	rows, err = tx.Query(ctx, `
		SELECT code, added, removed
		FROM gov_replay_rules
		WHERE replay_id = @id
		ORDER BY changed DESC, code, sha256
		LIMIT @limit`, args)
	if err != nil {
		return report, fmt.Errorf("select rules of a replay: %w", err)
	}
	var code []byte
	var rule RuleCount
	_, err = pgx.ForEachRow(rows, []any{&code, &rule.Added, &rule.Removed}, func() error {
		rule.Code = strings.ToValidUTF8(string(code), "")
		report.Rules = append(report.Rules, rule)
		return nil
	})
	if err != nil {
		return report, fmt.Errorf("select rules of a replay: %w", err)
	}
	return report, nil
}

// ListDifferences returns at most limit differences of the replay, oldest decision first and fewer when they are large, that come after the entry at an index
// of the log (-1: from the start), and whether there are more.
func ListDifferences(ctx context.Context, tx pgx.Tx, id uuid.UUID, after int64, limit int) (list []Difference, more bool, err error) {
	if _, err := Get(ctx, tx, id); err != nil {
		return nil, false, err
	}
	rows, err := tx.Query(ctx, `
		SELECT leaf_index, decision_id, decide_time, version_id, detail
		FROM (
			SELECT *, sum(octet_length(detail)) OVER (ORDER BY leaf_index) - octet_length(detail) AS bytes_before
			FROM (
				SELECT *
				FROM gov_replay_differences
				WHERE replay_id = @id AND leaf_index > @after
				ORDER BY leaf_index
				LIMIT @limit
			) AS page
		) AS measured
		WHERE bytes_before <= @bytes
		ORDER BY leaf_index`, pgx.NamedArgs{"id": id, "after": after, "limit": limit, "bytes": maxPageBytes})
	if err != nil {
		return nil, false, fmt.Errorf("select differences: %w", err)
	}
	var d Difference
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&d.LeafIndex, &d.DecisionID, &d.DecideTime, &d.VersionID, &raw}, func() error {
		var inner detail
		if err := json.Unmarshal(raw, &inner); err != nil {
			return err
		}
		d.Resource, d.Difference = inner.Resource, inner.Change
		list = append(list, d)
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("select differences: %w", err)
	}
	if len(list) == 0 {
		return nil, false, nil
	}
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM gov_replay_differences WHERE replay_id = @id AND leaf_index > @after)`,
		pgx.NamedArgs{"id": id, "after": list[len(list)-1].LeafIndex}).Scan(&more)
	if err != nil {
		return nil, false, fmt.Errorf("look for more differences: %w", err)
	}
	return list, more, nil
}
