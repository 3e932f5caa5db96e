package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/witness"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// askAtMost is how often a witness is asked about one head: once to learn the size that it knows, and again for each other replica that is faster.
const askAtMost = 4

// cosigner is the sink that has one witness cosign the platform log's heads.
type cosigner struct {
	all     *witnesses
	client  *witness.Client
	witness auditlog.PolicyWitness
	pool    *pgxpool.Pool
	// newest signs the head of a log as it is now.
	newest func(context.Context, tenant.ID) (auditlog.SignedHead, error)
	// prove proves that a tree of the log of the tenant in the context contains another.
	prove func(ctx context.Context, first, second int64) (Consistency, error)
	log   *slog.Logger

	// known is the size that the witness is believed to know; its answers correct it. Heads of one log come one after another.
	known int64

	last                   auditlog.SignedHead // that it cosigned for this process; guarded by all.mu, like these:
	failing, contradicting bool
}

// Name is the witness's, for metrics and logs.
func (c *cosigner) Name() string { return "witness:" + c.label() }

// label is the witness's name in the policy, unless that is no text.
func (c *cosigner) label() string {
	if utf8.ValidString(c.witness.Name) {
		return c.witness.Name
	}
	return c.witness.Key.Name() + "+" + c.witness.Key.ID()
}

// Publish has the witness cosign a head of the platform's log, or a larger one, and stores what it signed. It fails with LOG_INCONSISTENT, and raises
// an alarm, when the witness has seen what the log does not contain.
func (c *cosigner) Publish(ctx context.Context, id tenant.ID, head auditlog.SignedHead) error {
	if id != auditlog.PlatformTenant || head.Size == 0 {
		return nil
	}
	c.all.mu.Lock()
	last := c.last
	c.all.mu.Unlock()
	if last.Size > head.Size || last.Size == head.Size && last.Root == head.Root {
		return nil
	}
	head, err := c.cosign(tenant.NewContext(ctx, id), head)
	if isContradiction(err) {
		c.all.metrics.inconsistencies.Inc()
		c.log.LogAttrs(ctx, slog.LevelError, "the platform's log contradicts what was cosigned or signed", slog.Any("error", err))
	}
	c.all.answered(c, head, err)
	return err
}

// contradiction is the answer when a witness has seen another history.
func contradiction(format string, args ...any) error {
	return errs.New(errs.DataLoss, errs.ReasonLogInconsistent,
		"a witness has cosigned a head that the platform's log does not contain: was it restored, cut or rewritten?").Because(fmt.Errorf(format, args...))
}

func isContradiction(err error) bool { return errs.ReasonOf(err) == errs.ReasonLogInconsistent }

// cosign returns the head that the witness cosigned.
func (c *cosigner) cosign(ctx context.Context, head auditlog.SignedHead) (auditlog.SignedHead, error) {
	for range askAtMost {
		if c.known > head.Size {
			// Another replica may have been faster with a larger head. Then the log has it by now.
			newer, err := c.newest(ctx, auditlog.PlatformTenant)
			if err != nil {
				return auditlog.SignedHead{}, err
			}
			if claimed := c.known; claimed > newer.Size {
				c.known = 0 // nothing proves it: the next try asks again, rather than never again
				return auditlog.SignedHead{}, contradiction("the witness %s has cosigned a head with %d entries, the platform's log has %d",
					c.client.Name(), claimed, newer.Size)
			}
			head = newer
		}
		cosignature, err := c.ask(ctx, head)
		var size *witness.SizeError
		switch {
		case errors.As(err, &size):
			if size.Size < c.known {
				c.log.LogAttrs(ctx, slog.LevelWarn, "the witness forgot heads that it cosigned", slog.Int64("size", size.Size), slog.Int64("cosigned", c.known))
			}
			c.known = size.Size
		case errors.Is(err, witness.ErrInconsistent):
			return auditlog.SignedHead{}, contradiction("the witness %s refused the head with %d entries, proven from %d: %w", c.client.Name(), head.Size, c.known, err)
		case err != nil:
			return auditlog.SignedHead{}, err
		default:
			c.known = head.Size
			return head, c.store(ctx, head, cosignature)
		}
	}
	return auditlog.SignedHead{}, errors.New("the witness knows another size each time that it is asked")
}

// ask sends a head with its proof.
func (c *cosigner) ask(ctx context.Context, head auditlog.SignedHead) (auditlog.Cosignature, error) {
	var proof tlog.TreeProof
	if c.known > 0 && c.known < head.Size { // every tree contains the empty one and itself
		p, err := c.prove(ctx, c.known, head.Size)
		if err != nil {
			return auditlog.Cosignature{}, err
		}
		if p.SecondRoot != head.Root {
			return auditlog.Cosignature{}, inconsistent("the platform's log with %d entries is not the one whose head was signed", head.Size)
		}
		proof = p.Hashes
	}
	return c.client.AddCheckpoint(ctx, c.known, proof, head.Note)
}
