package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// State says whether evidence is on the Audit Wall.
type State string

// The states.
const (
	Pending  State = "PENDING"
	Recorded State = "RECORDED"
)

// Receipt says where an entry stands on the Audit Wall, and proves it.
type Receipt struct {
	LeafIndex int64
	LeafHash  [32]byte
	Text      string // the C2SP tlog-proof, which verifies offline
}

// Record appends an entry to the tenant's log of ctx and returns its receipt. It must be idempotent on the entry's id. An error that wraps
// ErrRefused says that the same entry will not be accepted as things stand; any other that it may be later.
type Record func(ctx context.Context, entry Entry) (Receipt, error)

// ErrRefused is wrapped by the errors of a Record function that trying again will hardly cure.
var ErrRefused = errors.New("governance refuses the entry")

// Status is how far a piece of evidence has come.
type Status struct {
	State      State
	EntryID    uuid.UUID
	LeafIndex  int64  // when recorded
	LeafHash   []byte // when recorded
	Receipt    string // when recorded
	RecordTime time.Time
}

// insert writes the evidence down.
func insert(ctx context.Context, tx pgx.Tx, e Entry) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode evidence: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO drf_evidence (entry_id, kind, subject_id, payload)
		VALUES (@entry_id, @kind, @subject_id, @payload)`,
		pgx.NamedArgs{"entry_id": e.EntryID, "kind": e.Kind, "subject_id": e.Resource.ID, "payload": payload})
	if err != nil {
		return fmt.Errorf("insert evidence: %w", err)
	}
	return nil
}

// load returns the state and the age of the evidence, and what has to be recorded next for it: the oldest pending evidence about the same resource, which
// is the evidence itself when none waits that was added before. It fails with pgx.ErrNoRows when the tenant has none of this id.
func load(ctx context.Context, tx pgx.Tx, id uuid.UUID) (next Entry, state State, age time.Duration, err error) {
	var payload []byte
	err = tx.QueryRow(ctx, `
		SELECT coalesce(due.payload, asked.payload), asked.state, clock_timestamp() - asked.create_time
		FROM drf_evidence AS asked
		LEFT JOIN LATERAL (
			SELECT e.payload
			FROM drf_evidence AS e
			WHERE e.tenant_id = asked.tenant_id AND e.subject_id = asked.subject_id AND e.state = 'PENDING' AND e.sequence <= asked.sequence
			ORDER BY e.sequence
			LIMIT 1
		) AS due ON true
		WHERE asked.entry_id = @entry_id`, pgx.NamedArgs{"entry_id": id}).Scan(&payload, &state, &age)
	if err != nil {
		return Entry{}, "", 0, fmt.Errorf("select evidence: %w", err)
	}
	if err := json.Unmarshal(payload, &next); err != nil {
		return Entry{}, "", 0, fmt.Errorf("decode evidence: %w", err)
	}
	return next, state, age, nil
}

// complete notes that the evidence is recorded. Evidence that is already is left alone: its receipt is as good.
func complete(ctx context.Context, tx pgx.Tx, id uuid.UUID, r Receipt) error {
	_, err := tx.Exec(ctx, `
		UPDATE drf_evidence
		SET state = 'RECORDED', leaf_index = @leaf_index, leaf_hash = @leaf_hash, receipt = @receipt, record_time = now()
		WHERE entry_id = @entry_id
		AND state = 'PENDING'`,
		pgx.NamedArgs{"entry_id": id, "leaf_index": r.LeafIndex, "leaf_hash": r.LeafHash[:], "receipt": r.Text})
	if err != nil {
		return fmt.Errorf("update evidence: %w", err)
	}
	return nil
}

// Columns are what a query over drf_evidence scans to learn a Status.
type Columns struct {
	State      State
	LeafIndex  *int64
	LeafHash   []byte
	Receipt    *string
	RecordTime *time.Time
}

// Status returns what the columns say of the entry.
func (c Columns) Status(entryID uuid.UUID) Status {
	s := Status{State: c.State, EntryID: entryID}
	if c.State == Recorded {
		s.LeafIndex, s.LeafHash, s.Receipt, s.RecordTime = *c.LeafIndex, c.LeafHash, *c.Receipt, *c.RecordTime
	}
	return s
}
