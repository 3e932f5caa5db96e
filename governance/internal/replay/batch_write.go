package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// errLost is that the replay is not the worker's any more: it was cancelled, or the lease has ended and somebody else has it.
var errLost = errors.New("the replay is no longer this worker's")

// write writes what was found and how far the worker has come, and holds the lease from now on. It fails with errLost, and changes nothing, when the replay is
// not the holder's or somebody else has written.
func (b *batch) write(ctx context.Context, tx pgx.Tx, holder uuid.UUID, lease time.Duration) error {
	r := b.replay
	tag, err := tx.Exec(ctx, `
		UPDATE gov_replays
		SET next_index = @next_index, inputs_missing = @inputs_missing, inputs_masked = @inputs_masked, overruns = @overruns, summary = @summary,
			decisions_summary = @decisions_summary, kept_differences = @kept_differences, kept_bytes = @kept_bytes,
			lease_until = statement_timestamp() + @lease::interval, takes = CASE WHEN @next_index > @from THEN 0 ELSE takes END
		WHERE id = @id AND lease_holder = @holder AND state = 'RUNNING' AND next_index = @from`,
		pgx.NamedArgs{
			"id": r.ID, "holder": holder, "lease": lease, "from": b.from, "next_index": r.NextIndex, "inputs_missing": r.InputsMissing,
			"inputs_masked": r.InputsMasked, "overruns": r.Overruns, "summary": r.Summary, "decisions_summary": r.DecisionsSummary,
			"kept_differences": r.KeptDifferences, "kept_bytes": r.KeptBytes,
		})
	if err != nil {
		return fmt.Errorf("update replay: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errLost
	}
	if err := b.insertDifferences(ctx, tx); err != nil {
		return err
	}
	if err := b.countResources(ctx, tx); err != nil {
		return err
	}
	return b.countRules(ctx, tx)
}

func (b *batch) insertDifferences(ctx context.Context, tx pgx.Tx) error {
	if len(b.differences) == 0 {
		return nil
	}
	n := len(b.differences)
	indexes, decisions, versions := make([]int64, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	times, details := make([]time.Time, n), make([][]byte, n)
	for i, d := range b.differences {
		indexes[i], decisions[i], versions[i], times[i], details[i] = d.LeafIndex, d.DecisionID, d.VersionID, d.DecideTime, d.detail
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_replay_differences (replay_id, leaf_index, decision_id, decide_time, version_id, detail)
		SELECT @id, leaf_index, decision_id, decide_time, version_id, detail
		FROM unnest(@indexes::bigint[], @decisions::uuid[], @times::timestamptz[], @versions::uuid[], @details::bytea[])
			AS d (leaf_index, decision_id, decide_time, version_id, detail)`,
		pgx.NamedArgs{"id": b.replay.ID, "indexes": indexes, "decisions": decisions, "times": times, "versions": versions, "details": details})
	if err != nil {
		return fmt.Errorf("insert differences: %w", err)
	}
	return nil
}

func (b *batch) countResources(ctx context.Context, tx pgx.Tx) error {
	if len(b.resources) == 0 {
		return nil
	}
	var kinds []string
	var ids [][]byte
	counts := make([][]int64, 8)
	for key, s := range b.resources {
		kinds, ids = append(kinds, key.kind), append(ids, []byte(key.id))
		for i, n := range []int64{
			s.Compared, s.Same, s.AllowToDeny, s.DenyToAllow, s.ToError, s.FromError, s.ViolationsChanged, s.ObligationsChanged,
		} {
			counts[i] = append(counts[i], n)
		}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_replay_resources AS r (replay_id, resource_type, resource_id, compared, same, allow_to_deny, deny_to_allow, to_error, from_error,
			violations_changed, obligations_changed)
		SELECT @id, c.*
		FROM unnest(@kinds::text[], @ids::bytea[], @c0::bigint[], @c1::bigint[], @c2::bigint[], @c3::bigint[], @c4::bigint[], @c5::bigint[],
			@c6::bigint[], @c7::bigint[]) AS c
		ON CONFLICT ON CONSTRAINT gov_replay_resources_pkey DO UPDATE SET
			compared = r.compared + excluded.compared,
			same = r.same + excluded.same,
			allow_to_deny = r.allow_to_deny + excluded.allow_to_deny,
			deny_to_allow = r.deny_to_allow + excluded.deny_to_allow,
			to_error = r.to_error + excluded.to_error,
			from_error = r.from_error + excluded.from_error,
			violations_changed = r.violations_changed + excluded.violations_changed,
			obligations_changed = r.obligations_changed + excluded.obligations_changed`,
		pgx.NamedArgs{
			"id": b.replay.ID, "kinds": kinds, "ids": ids, "c0": counts[0], "c1": counts[1], "c2": counts[2], "c3": counts[3], "c4": counts[4],
			"c5": counts[5], "c6": counts[6], "c7": counts[7],
		})
	if err != nil {
		return fmt.Errorf("count differences by resource: %w", err)
	}
	return nil
}

// maxRules bounds the codes that one replay tells apart: a candidate may make up new ones with every answer, which are left out once there are so many.
const maxRules = 10_000

func (b *batch) countRules(ctx context.Context, tx pgx.Tx) error {
	if len(b.rules) == 0 {
		return nil
	}
	var digests, codes [][]byte
	var added, removed []int64
	for key, c := range b.rules {
		digests, codes = append(digests, key[:]), append(codes, []byte(c.Code))
		added, removed = append(added, c.Added), append(removed, c.Removed)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_replay_rules AS r (replay_id, sha256, code, added, removed)
		SELECT @id, sha256, code, added, removed
		FROM (
			SELECT c.*, k.sha256 IS NOT NULL AS known, row_number() OVER (PARTITION BY k.sha256 IS NOT NULL ORDER BY c.added + c.removed DESC, c.sha256) AS place
			FROM unnest(@digests::bytea[], @codes::bytea[], @added::bigint[], @removed::bigint[]) AS c (sha256, code, added, removed)
			LEFT JOIN gov_replay_rules k ON k.replay_id = @id AND k.sha256 = c.sha256
		) AS found
		WHERE known OR place <= @max - (SELECT count(*) FROM gov_replay_rules WHERE replay_id = @id)
		ON CONFLICT ON CONSTRAINT gov_replay_rules_pkey DO UPDATE SET
			added = r.added + excluded.added,
			removed = r.removed + excluded.removed`,
		pgx.NamedArgs{"id": b.replay.ID, "digests": digests, "codes": codes, "added": added, "removed": removed, "max": maxRules})
	if err != nil {
		return fmt.Errorf("count differences by rule: %w", err)
	}
	return nil
}
