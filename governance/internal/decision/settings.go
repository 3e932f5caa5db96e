package decision

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// The limits on settings. Masks stand in the entry that records them, which bounds their text.
const (
	MinInputRetention = time.Hour
	MaxInputRetention = 400 * 24 * time.Hour
	maxMaskBytes      = 32 << 10
)

// Settings are what a tenant keeps of inputs.
type Settings struct {
	KeepInputs bool
	// InputRetention is set when inputs are kept. A change holds for what is kept already; when inputs are kept no longer, the last one goes on.
	InputRetention time.Duration
	Masks          []Mask
	Revision       int64 // 0: never set
	UpdateTime     time.Time
}

// ETag changes with every change of the settings.
func (s Settings) ETag() string { return strconv.FormatInt(s.Revision, 10) }

var decisionPointPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)

// Check fails with INVALID_FIELD, naming the fields of the message that clients send.
func (s Settings) Check() error {
	switch {
	case s.KeepInputs && s.InputRetention == 0:
		return errs.InvalidField("input_retention", "is required when inputs are kept")
	case s.InputRetention != 0 && (s.InputRetention < MinInputRetention || s.InputRetention > MaxInputRetention):
		return errs.InvalidField("input_retention", "must be from 1 hour to 400 days")
	case s.InputRetention%time.Second != 0:
		return errs.InvalidField("input_retention", "must be whole seconds")
	}
	seen := make(map[Mask]int, len(s.Masks))
	size := 0
	for i, m := range s.Masks {
		at := fmt.Sprintf("masks[%d]", i)
		if _, err := parseMask(m.Path); err != nil {
			if e, ok := errors.AsType[*errs.Error](err); ok {
				return e.Within(at)
			}
			return err
		}
		if m.DecisionPoint != "" && !decisionPointPattern.MatchString(m.DecisionPoint) {
			return errs.InvalidField(at+".decision_point", "is no decision point: want words of a-z, 0-9 and _ with dots between them")
		}
		if first, twice := seen[m]; twice {
			return errs.InvalidField(at, "repeats masks[%d]", first)
		}
		seen[m] = i
		size += len(m.Path) + len(m.DecisionPoint)
	}
	if size > maxMaskBytes {
		return errs.InvalidField("masks", "have %d bytes together, at most %d are allowed: mask whole objects", size, maxMaskBytes)
	}
	return nil
}

// same reports whether clients would see a difference.
func (s Settings) same(o Settings) bool {
	return s.KeepInputs == o.KeepInputs && s.InputRetention == o.InputRetention && slices.Equal(s.Masks, o.Masks)
}

const selectSettings = `
		SELECT keep_inputs, coalesce(input_retention, 0) AS input_retention, masks, revision, update_time
		FROM gov_decision_settings`

// ReadSettings returns the settings of the tenant of tx.
func ReadSettings(ctx context.Context, tx pgx.Tx) (Settings, error) {
	return readSettings(ctx, tx, selectSettings)
}

func readSettings(ctx context.Context, tx pgx.Tx, sql string) (s Settings, err error) {
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return s, fmt.Errorf("select settings: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[struct {
		KeepInputs     bool
		InputRetention int64
		Masks          []Mask
		Revision       int64
		UpdateTime     time.Time
	}])
	if errors.Is(err, pgx.ErrNoRows) || err == nil && r.Revision == 0 {
		return Settings{}, nil
	}
	if err != nil {
		return s, fmt.Errorf("select settings: %w", err)
	}
	return Settings{
		KeepInputs: r.KeepInputs, InputRetention: time.Duration(r.InputRetention) * time.Second, Masks: r.Masks,
		Revision: r.Revision, UpdateTime: r.UpdateTime,
	}, nil
}

// lockSettings makes changes of the tenant's settings and keys wait for each other, and returns the settings.
func lockSettings(ctx context.Context, tx pgx.Tx) (Settings, error) {
	if _, err := tx.Exec(ctx, `INSERT INTO gov_decision_settings DEFAULT VALUES ON CONFLICT DO NOTHING`); err != nil {
		return Settings{}, fmt.Errorf("insert settings: %w", err)
	}
	return readSettings(ctx, tx, selectSettings+`
		FOR UPDATE`)
}

// UpdateSettings replaces the settings of the tenant of tx and returns them; changed is false when they were the same. A stale etag is
// STALE_ETAG. With the commit every decision cache is told. Whoever promises that the settings hold everywhere waits with [Decider.Everywhere].
func UpdateSettings(ctx context.Context, tx pgx.Tx, v *vault.Vault, s Settings, etag string) (_ Settings, changed bool, err error) {
	if err := s.Check(); err != nil {
		return Settings{}, false, err
	}
	old, err := lockSettings(ctx, tx)
	if err != nil {
		return Settings{}, false, err
	}
	if etag != "" && etag != old.ETag() {
		return Settings{}, false, errs.StaleETag("decision_settings")
	}
	if err := v.EnsureKeys(ctx, tx, s.KeepInputs); err != nil {
		return Settings{}, false, err
	}
	if old.Revision > 0 && s.same(old) {
		return old, false, nil
	}
	if s.Masks == nil {
		s.Masks = []Mask{}
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_decision_settings
		SET keep_inputs = @keep_inputs, input_retention = nullif(@input_retention::bigint, 0),
			kept_retention = coalesce(nullif(@input_retention::bigint, 0), kept_retention),
			masks = @masks, revision = revision + 1, update_time = statement_timestamp()`,
		pgx.NamedArgs{"keep_inputs": s.KeepInputs, "input_retention": int64(s.InputRetention / time.Second), "masks": s.Masks})
	if err != nil {
		return Settings{}, false, fmt.Errorf("update settings: %w", err)
	}
	if s, err = ReadSettings(ctx, tx); err != nil {
		return Settings{}, false, err
	}
	return s, true, policy.Announce(ctx, tx)
}

// EraseInputs makes every input that the tenant of tx has kept unreadable, and returns how many those are. The settings stay.
func EraseInputs(ctx context.Context, tx pgx.Tx, v *vault.Vault) (s Settings, erased int64, err error) {
	if s, err = lockSettings(ctx, tx); err != nil {
		return s, 0, err
	}
	if erased, err = v.Erase(ctx, tx); err != nil {
		return s, 0, err
	}
	// An erasure must not fail for want of a key to wrap the new ones with: until the upkeep can make them, inputs are not kept.
	if err := v.EnsureKeys(ctx, tx, s.KeepInputs && v.CanKeep()); err != nil {
		return s, 0, err
	}
	return s, erased, policy.Announce(ctx, tx)
}
