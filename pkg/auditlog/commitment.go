package auditlog

import (
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// EventHeadCommitted is the event type of the entries by which the platform's log commits to the head of another.
	EventHeadCommitted = "audit.head_committed"
	// actionCommit is their action.
	actionCommit = "audit.commit"
	// ResourceLog is the kind of resource that a log is; its id is the tenant's.
	ResourceLog = "audit_log"
	// platformService is the source of the platform's own entries, and who acts in them.
	platformService = "governance"
)

// NewPlatformEntry returns an entry that the platform writes of its own accord, about a log, onto the log of owner.
func NewPlatformEntry(id uuid.UUID, owner tenant.ID, eventType, action string, about tenant.ID, details map[string]any) Entry {
	return Entry{
		EntryID: id, TenantID: owner, EventType: eventType, Action: action, Outcome: Success,
		Actor:         Actor{Kind: ActorSystem, ID: platformService},
		Resource:      Resource{Type: ResourceLog, ID: about.String()},
		SourceService: platformService, Details: details,
	}
}

// CommitmentID returns the id of the entry that commits to a head. Replicas that commit to the same head mean the same entry.
func CommitmentID(id tenant.ID, head Checkpoint) uuid.UUID {
	return uuid.NewSHA1(uuid.UUID(PlatformTenant), fmt.Appendf(nil, "%s %s %d %s", EventHeadCommitted, id, head.Size, head.Root))
}

// NewCommitment returns the platform log's entry that commits to the head of a tenant's log. It says nothing of the log but its size and root, and
// the same of the same head, whoever makes it.
func NewCommitment(id tenant.ID, head Checkpoint) Entry {
	return NewPlatformEntry(CommitmentID(id, head), PlatformTenant, EventHeadCommitted, actionCommit, id, map[string]any{
		"origin": head.Origin, "tree_size": float64(head.Size), "root_hash": head.Root.String(),
	})
}

// ReadCommitment is the inverse of NewCommitment: it returns the head that an entry of the platform's log commits to, and whose log's it is.
func ReadCommitment(e Entry) (tenant.ID, Checkpoint, error) {
	fail := func(err error) (tenant.ID, Checkpoint, error) {
		return tenant.ID{}, Checkpoint{}, fmt.Errorf("read commitment: %w", err)
	}
	if e.TenantID != PlatformTenant || e.EventType != EventHeadCommitted || e.Resource.Type != ResourceLog {
		return fail(errors.New("the entry commits to no head"))
	}
	id, err := tenant.Parse(e.Resource.ID)
	if err != nil {
		return fail(err)
	}
	origin, _ := e.Details["origin"].(string)
	root, _ := e.Details["root_hash"].(string)
	head := Checkpoint{Origin: origin}
	if head.Root, err = parseHash(root); err != nil {
		return fail(err)
	}
	size, ok := e.Details["tree_size"].(float64)
	if !ok || size < 1 || size > maxTreeSize || size != math.Trunc(size) {
		return fail(errors.New("the tree size is no positive whole number"))
	}
	head.Size = int64(size)
	if _, named, err := ParseOrigin(origin); err != nil || named != id || id == PlatformTenant {
		return fail(fmt.Errorf("the origin %q is not that of the log of %s", origin, id))
	}
	return id, head, nil
}

// ReasonCommitment is a reason for Tampered: what is shown as a commitment to a head is none, or not of the platform's log.
const ReasonCommitment Reason = "COMMITMENT"

// VerifyHeadCommitment checks that a head was committed to on the platform's log: that the leaf is an entry which commits to a head, and that
// its receipt, whose rules and options are VerifyReceipt's with the platform's keys, shows it on the log prefix/platform of the same prefix. It
// returns the head, for the caller to compare with the checkpoint that was shown. The head counts only when the report is Verified.
func VerifyHeadCommitment(leaf []byte, receipt string, opts ReceiptOptions) (Checkpoint, Report) {
	opts.Leaf, opts.LeafHash = leaf, nil
	r := VerifyReceipt(receipt, opts)
	e, err := Unmarshal(leaf)
	var head Checkpoint
	if err == nil {
		_, head, err = ReadCommitment(e)
	}
	if err == nil && r.Origin != "" {
		prefix, id, parseErr := ParseOrigin(r.Origin)
		headPrefix, _, _ := ParseOrigin(head.Origin) // it was read just now
		switch {
		case parseErr != nil || id != PlatformTenant:
			err = fmt.Errorf("the receipt is of %q, which is not the platform's log", r.Origin)
		case prefix != headPrefix:
			err = fmt.Errorf("a log of %q commits to a head of %q", prefix, headPrefix)
		}
	}
	if err != nil {
		r.add(ReasonCommitment, -1, -1, "%v", err)
		return Checkpoint{}, r.conclude()
	}
	return head, r
}
