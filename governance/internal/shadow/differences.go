package shadow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
)

// The newest differences of a shadow are kept: at least this many or of this many bytes. They may grow by a tenth, so that not every batch has to remove
// as many as it adds.
const (
	maxKept      = 10_000
	maxKeptBytes = 64 << 20
)

// detail is the part of a difference that its column holds as JSON.
type detail struct {
	Resource Resource              `json:"resource"`
	Change   difference.Difference `json:"change"`
}

// found is what was found of a shadow and is not stored yet.
type found struct {
	summary     difference.Summary
	skipped     int64
	differences []stored // oldest first
	bytes       int      // of the differences
}

// stored is a difference as its row holds it.
type stored struct {
	decideTime time.Time
	decisionID uuid.UUID
	versionID  uuid.UUID
	detail     []byte
}

func (f *found) empty() bool { return f.summary.Compared == 0 && f.skipped == 0 }

// add counts a comparison.
func (f *found) add(d Difference) error {
	f.summary.Add(d.Change)
	if d.Change.Kind() == difference.Same {
		return nil
	}
	b, err := json.Marshal(detail{Resource: d.Resource, Change: d.Change})
	if err != nil {
		return fmt.Errorf("marshal difference: %w", err)
	}
	f.differences = append(f.differences, stored{decideTime: d.DecideTime, decisionID: d.DecisionID, versionID: d.VersionID, detail: b})
	f.bytes += len(b)
	return nil
}

// merge puts what could not be stored before what was found since.
func (f *found) merge(earlier *found) {
	f.summary.Merge(earlier.summary)
	f.skipped += earlier.skipped
	f.differences = append(earlier.differences, f.differences...)
	f.bytes += earlier.bytes
	for len(f.differences) > maxPending || f.bytes > maxPendingBytes { // the newest count
		f.bytes -= len(f.differences[0].detail)
		f.differences = f.differences[1:]
	}
}

// save adds what was found to the shadow; one that is gone by now needs nothing.
func save(ctx context.Context, tx pgx.Tx, shadowID uuid.UUID, f *found) error {
	var summary difference.Summary
	var kept, bytes int64
	err := tx.QueryRow(ctx, `
		SELECT summary, kept_differences, kept_bytes
		FROM gov_shadows
		WHERE id = @id
		FOR NO KEY UPDATE`, pgx.NamedArgs{"id": shadowID}).Scan(&summary, &kept, &bytes)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock shadow: %w", err)
	}
	summary.Merge(f.summary)
	if err := insert(ctx, tx, shadowID, f.differences); err != nil {
		return err
	}
	kept, bytes = kept+int64(len(f.differences)), bytes+int64(f.bytes)
	if kept > maxKept+maxKept/10 || bytes > maxKeptBytes+maxKeptBytes/10 {
		if kept, bytes, err = prune(ctx, tx, shadowID); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_shadows
		SET summary = @summary, skipped = skipped + @skipped, kept_differences = @kept, kept_bytes = @bytes
		WHERE id = @id`, pgx.NamedArgs{"id": shadowID, "summary": summary, "skipped": f.skipped, "kept": kept, "bytes": bytes})
	if err != nil {
		return fmt.Errorf("update shadow: %w", err)
	}
	return nil
}

func insert(ctx context.Context, tx pgx.Tx, shadowID uuid.UUID, differences []stored) error {
	if len(differences) == 0 {
		return nil
	}
	n := len(differences)
	times, decisions, versions, details := make([]time.Time, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([][]byte, n)
	for i, d := range differences {
		times[i], decisions[i], versions[i], details[i] = d.decideTime, d.decisionID, d.versionID, d.detail
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_shadow_differences (shadow_id, decide_time, decision_id, version_id, detail)
		SELECT @shadow_id, f.decide_time, f.decision_id, f.version_id, f.detail
		FROM unnest(@times::timestamptz[], @decisions::uuid[], @versions::uuid[], @details::bytea[]) AS f (decide_time, decision_id, version_id, detail)
		ON CONFLICT DO NOTHING`,
		pgx.NamedArgs{"shadow_id": shadowID, "times": times, "decisions": decisions, "versions": versions, "details": details})
	if err != nil {
		return fmt.Errorf("insert differences: %w", err)
	}
	return nil
}

// prune removes the oldest differences and returns how many are left, and of how many bytes.
func prune(ctx context.Context, tx pgx.Tx, shadowID uuid.UUID) (kept, bytes int64, err error) {
	// The newest that goes is looked for first: a range of the key is deleted without a join, whatever the planner thinks of a table that has just grown.
	_, err = tx.Exec(ctx, `
		DELETE FROM gov_shadow_differences
		WHERE shadow_id = @id AND (decide_time, decision_id) <= (
			SELECT decide_time, decision_id
			FROM (
				SELECT decide_time, decision_id, row_number() OVER newest AS place, sum(octet_length(detail)) OVER newest AS bytes
				FROM gov_shadow_differences
				WHERE shadow_id = @id
				WINDOW newest AS (ORDER BY decide_time DESC, decision_id DESC ROWS UNBOUNDED PRECEDING)
			) AS placed
			WHERE place > @max_kept OR bytes > @max_bytes
			ORDER BY place
			LIMIT 1)`,
		pgx.NamedArgs{"id": shadowID, "max_kept": maxKept, "max_bytes": maxKeptBytes})
	if err != nil {
		return 0, 0, fmt.Errorf("delete differences: %w", err)
	}
	err = tx.QueryRow(ctx, `
		SELECT count(*), coalesce(sum(octet_length(detail)), 0)
		FROM gov_shadow_differences
		WHERE shadow_id = @id`, pgx.NamedArgs{"id": shadowID}).Scan(&kept, &bytes)
	if err != nil {
		return 0, 0, fmt.Errorf("count differences: %w", err)
	}
	return kept, bytes, nil
}

// pageBytes bounds the details on one page, so that it fits into one message.
const pageBytes = 1 << 20

// ListDifferences returns at most limit decisions that differ, newest first, that come after the key (zero: from the start), and whether there are more. It may
// return fewer than limit although there are more: a page holds about 1 MiB.
func ListDifferences(
	ctx context.Context, tx pgx.Tx, shadowID uuid.UUID, after DifferenceKey, limit int,
) (differences []Difference, more bool, err error) {
	if _, err := Get(ctx, tx, shadowID); err != nil {
		return nil, false, err
	}
	rows, err := tx.Query(ctx, `
		SELECT decide_time, decision_id, version_id, detail
		FROM gov_shadow_differences
		WHERE shadow_id = @shadow_id
		AND (@decision = '00000000-0000-0000-0000-000000000000'::uuid OR (decide_time, decision_id) < (@time, @decision))
		ORDER BY decide_time DESC, decision_id DESC
		LIMIT @limit`, pgx.NamedArgs{"shadow_id": shadowID, "time": after.Time, "decision": after.Decision, "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("select differences: %w", err)
	}
	defer rows.Close()
	for size := 0; rows.Next(); {
		var d Difference
		var b []byte
		if err := rows.Scan(&d.DecideTime, &d.DecisionID, &d.VersionID, &b); err != nil {
			return nil, false, fmt.Errorf("select differences: %w", err)
		}
		size += len(b)
		if len(differences) == limit || len(differences) > 0 && size > pageBytes {
			return differences, true, nil
		}
		var read detail
		if err := json.Unmarshal(b, &read); err != nil {
			return nil, false, fmt.Errorf("read difference: %w", err)
		}
		d.Resource, d.Change = read.Resource, read.Change
		differences = append(differences, d)
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("select differences: %w", err)
	}
	return differences, false, nil
}
