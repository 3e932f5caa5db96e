package replay

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// EventFinished is the type of the entry that says how a replay ended.
	EventFinished = "policy.replay_finished"

	actionReplay = "policy.replay"
)

// finish ends a replay that the holder works on, and adds the entry about it. reason is why it failed.
func finish(ctx context.Context, tx pgx.Tx, id, holder uuid.UUID, reason string) (entry uuid.UUID, err error) {
	r, err := one(ctx, tx, "finish replay", `
		UPDATE gov_replays
		SET state = CASE @error WHEN '' THEN 'SUCCEEDED' ELSE 'FAILED' END, error = @error, end_time = statement_timestamp(), candidate = NULL,
			lease_until = statement_timestamp()
		WHERE id = @id AND lease_holder = @holder AND state = 'RUNNING'
		RETURNING `+columns, pgx.NamedArgs{"id": id, "holder": holder, "error": reason})
	if err != nil {
		return uuid.Nil, orLost(err)
	}
	if entry, err = uuid.NewV7(); err != nil {
		return uuid.Nil, fmt.Errorf("make entry id: %w", err)
	}
	tenantID, _ := tenant.FromContext(ctx)
	return entry, outbox.Add(ctx, tx, auditlog.Entry{
		EntryID: entry, TenantID: tenantID, EventType: EventFinished, Action: actionReplay, Outcome: auditlog.Success,
		Actor:    auditlog.Actor{Kind: auditlog.ActorSystem, ID: audit.Source, OnBehalfOf: r.Subject},
		Resource: r.Resource(), SourceService: audit.Source,
	})
}

// trimLimit bounds the rows that one statement removes.
const trimLimit = 5_000

// trim removes some of the rows of a replay that is done and that no report shows, and reports whether there are none left.
func trim(ctx context.Context, tx pgx.Tx, id, holder uuid.UUID) (done bool, err error) {
	var removed int64
	for _, sql := range []string{
		`DELETE FROM gov_replay_resources WHERE ctid = ANY(ARRAY(
			SELECT ctid FROM gov_replay_resources WHERE replay_id = @id AND changed = 0 LIMIT @limit))`,
		`DELETE FROM gov_replay_resources WHERE ctid = ANY(ARRAY(
			SELECT ctid FROM gov_replay_resources WHERE replay_id = @id AND changed > 0
			ORDER BY changed DESC, resource_type, resource_id OFFSET @listed LIMIT @limit))`,
		`DELETE FROM gov_replay_rules WHERE ctid = ANY(ARRAY(
			SELECT ctid FROM gov_replay_rules WHERE replay_id = @id
			ORDER BY changed DESC, code, sha256 OFFSET @listed LIMIT @limit))`,
	} {
		tag, err := tx.Exec(ctx, sql, pgx.NamedArgs{"id": id, "listed": MaxListed, "limit": trimLimit})
		if err != nil {
			return false, fmt.Errorf("trim replay: %w", err)
		}
		removed += tag.RowsAffected()
	}
	if removed > 0 {
		return false, nil
	}
	_, err = tx.Exec(ctx, `UPDATE gov_replays SET lease_until = NULL WHERE id = @id AND lease_holder = @holder AND end_time IS NOT NULL`,
		pgx.NamedArgs{"id": id, "holder": holder})
	if err != nil {
		return false, fmt.Errorf("trim replay: %w", err)
	}
	return true, nil
}
