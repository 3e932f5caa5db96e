package suite

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Replacement is what replacing a suite did.
type Replacement struct {
	Created, Updated, Deleted int32
	Cases                     []Case // all there are now, by name
}

// Changed reports whether the suite is another one now.
func (r Replacement) Changed() bool { return r.Created+r.Updated+r.Deleted > 0 }

// Replace makes the policy's cases those of the specs. Cases of the same name stay the same cases.
func Replace(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, specs []Spec) (Replacement, error) {
	if err := Check(specs); err != nil {
		return Replacement{}, err
	}
	if err := lockPolicy(ctx, tx, policyID); err != nil {
		return Replacement{}, err
	}
	before, err := All(ctx, tx, policyID, nil)
	if err != nil {
		return Replacement{}, err
	}
	old := make(map[string]Case, len(before))
	for _, c := range before {
		old[c.Name] = c
	}
	var r Replacement
	var batch pgx.Batch
	for _, s := range specs {
		c, exists := old[s.Name]
		delete(old, s.Name)
		switch {
		case !exists:
			r.Created++
			id, err := uuid.NewV7()
			if err != nil {
				return Replacement{}, fmt.Errorf("make test case id: %w", err)
			}
			batch.Queue(insertCase, s.args(pgx.NamedArgs{"id": id, "policy_id": policyID}))
		case string(c.Content) != string(s.Content):
			r.Updated++
			batch.Queue(updateCase, s.args(pgx.NamedArgs{"id": c.ID}))
		}
	}
	gone := make([]uuid.UUID, 0, len(old))
	for _, c := range old {
		gone = append(gone, c.ID)
	}
	r.Deleted = int32(len(gone)) // at most MaxCases
	batch.Queue(deleteCases, pgx.NamedArgs{"ids": gone})
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return Replacement{}, fmt.Errorf("replace test cases: %w", err)
	}
	if r.Changed() {
		if err := finish(ctx, tx, policyID, "specs"); err != nil {
			return Replacement{}, err
		}
	}
	r.Cases, err = All(ctx, tx, policyID, nil)
	return r, err
}

// Check refuses specs that could not be a suite.
func Check(specs []Spec) error {
	first, bytes := make(map[string]int, len(specs)), 0
	for i, s := range specs {
		at := fmt.Sprintf("specs[%d]", i)
		if other, used := first[s.Name]; used {
			return errs.InvalidField(at+".name", "is the name of specs[%d], too", other)
		}
		first[s.Name] = i
		if err := s.check(at); err != nil {
			return err
		}
		bytes += len(s.Content)
	}
	if bytes > MaxBytes {
		return tooLarge("specs", int64(bytes))
	}
	return nil
}
