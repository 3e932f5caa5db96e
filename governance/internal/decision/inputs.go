package decision

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// inputs says what becomes of the inputs of questions to one target. It is immutable.
type inputs struct {
	keep  bool
	masks *masks
	keys  vault.Keys
}

// readInputs reads the tenant's settings as they concern the target.
func (d *Decider) readInputs(ctx context.Context, tx pgx.Tx, t target) (in inputs, err error) {
	s, err := ReadSettings(ctx, tx)
	if err != nil || s.Revision == 0 {
		return in, err
	}
	in.keep = s.KeepInputs
	if in.masks, err = newMasks(s.Masks, t.point); err != nil { // fail closed: what should be masked must not be logged
		return in, fmt.Errorf("read masks: %w", err)
	}
	if d.config.Vault != nil && (in.keep || in.masks != nil) {
		in.keys, err = d.config.Vault.ReadKeys(ctx, tx)
	}
	return in, err
}

// seen is an input as the log may know it.
type seen struct {
	json   []byte   // masked
	hidden [][]byte // what stood at masked places
	keep   bool
	key    *vault.InputKey
}

// see masks the input and notes in the decision what is said of it.
func (settings inputs) see(in rego.Input, decision *Decision) seen {
	text := in.JSON()
	decision.InputSHA256 = in.SHA256()
	masked, hidden := settings.masks.apply(text)
	if len(hidden) > 0 {
		decision.InputSHA256, decision.MaskedPaths = sha256.Sum256(masked), len(hidden)
		if settings.keys.Digest != nil {
			decision.InputHMAC = settings.keys.Digest.Sum(text)
		}
	}
	return seen{json: masked, hidden: hidden, keep: settings.keep, key: settings.keys.Inputs}
}

// keep keeps the input if the tenant wants so, and reports whether it is durably there. A decision does not fail because its input could not be kept:
// the vault counts and logs that, and the entry says so.
func (d *Decider) keep(ctx context.Context, in seen, decision Decision) bool {
	if !in.keep || d.config.Vault == nil {
		return false
	}
	return d.config.Vault.Keep(ctx, in.key, vault.Item{
		Decision: decision.ID, DecidedAt: decision.Time, JSON: in.json, SHA256: decision.InputSHA256,
	}) == nil
}

// sameInput reports whether the first decision was on the input. After masking, only the tenant's key can tell; without the key of that time the
// input counts as another one, since the answer could be to another question.
func (d *Decider) sameInput(ctx context.Context, first Decision, in rego.Input) (bool, error) {
	if first.MaskedPaths == 0 {
		return first.InputSHA256 == in.SHA256(), nil
	}
	if d.config.Vault == nil || first.InputHMAC == [sha256.Size]byte{} {
		return false, nil
	}
	var keys vault.Keys
	err := postgres.ReadTenantTx(ctx, d.config.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		keys, err = d.config.Vault.ReadKeys(ctx, tx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("compare with the first decision's input: %w", err)
	}
	if keys.Digest == nil {
		return false, nil
	}
	sum := keys.Digest.Sum(in.JSON())
	return hmac.Equal(sum[:], first.InputHMAC[:]), nil
}

// readInput reads what an entry says of the input.
func (d *Decision) readInput(e auditlog.Entry, f *fields) {
	if _, kept := e.Details["input_kept"]; kept {
		d.InputKept = f.truth("input_kept")
	}
	if _, masked := e.Details["masked_paths"]; masked {
		d.MaskedPaths = int(f.number("masked_paths"))
	}
	for _, digest := range e.Digests {
		if digest.Name == inputHMAC {
			d.InputHMAC = digest.SHA256
		}
	}
}
