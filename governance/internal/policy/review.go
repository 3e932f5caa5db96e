package policy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// ReviewAction is a step of a version's review.
type ReviewAction string

// The steps.
const (
	ReviewSubmitted ReviewAction = "SUBMITTED"
	ReviewApproved  ReviewAction = "APPROVED"
	ReviewRejected  ReviewAction = "REJECTED"
)

// maxReviews bounds the steps of one version's review, so that a version with all of them fits into one message. A submission leaves room
// for the two steps that may follow it.
const maxReviews = 100

// Review says who did what in a version's review.
type Review struct {
	Action  ReviewAction
	Subject string
	Comment string
	Time    time.Time
}

// Step is what a caller does to a version.
type Step struct {
	Version uuid.UUID
	ETag    string // of the policy; empty: whatever it is
	Subject string // the caller
	Comment string
}

// Submit sends a draft to review.
func Submit(ctx context.Context, tx pgx.Tx, s Step) (Policy, Version, error) {
	return review(ctx, tx, s, ReviewSubmitted, "comment", func(v Version) (Version, error) {
		if len(v.Reviews) > maxReviews-3 {
			return v, stateError(v.State, "the version has been through %d steps of review: add it as a new version", len(v.Reviews))
		}
		v.State, v.Submitter, v.Approver = InReview, s.Subject, ""
		return v, nil
	}, Draft)
}

// Approve accepts a version in review. Neither its author nor anybody who has ever submitted it can: SAME_PERSON.
func Approve(ctx context.Context, tx pgx.Tx, s Step) (Policy, Version, error) {
	return review(ctx, tx, s, ReviewApproved, "comment", func(v Version) (Version, error) {
		submitted := func(r Review) bool { return r.Action == ReviewSubmitted && r.Subject == s.Subject }
		if s.Subject == v.Author || slices.ContainsFunc(v.Reviews, submitted) {
			return v, errs.New(errs.PermissionDenied, errs.ReasonSamePerson,
				"whoever has written or submitted a version cannot approve it: somebody else must").With("policy_version_id", v.ID.String())
		}
		v.State, v.Approver = Approved, s.Subject
		return v, nil
	}, InReview)
}

// Reject sends a version that is in review, or approved and not yet activated, back to its author.
func Reject(ctx context.Context, tx pgx.Tx, s Step) (Policy, Version, error) {
	return review(ctx, tx, s, ReviewRejected, "reason", func(v Version) (Version, error) {
		v.State, v.Submitter, v.Approver = Draft, "", ""
		return v, nil
	}, InReview, Approved)
}

// review takes one step, of which next says what it makes of the version. field is what the request calls the comment.
func review(
	ctx context.Context, tx pgx.Tx, s Step, action ReviewAction, field string, next func(Version) (Version, error), from ...State,
) (Policy, Version, error) {
	if err := prose(field, s.Comment); err != nil {
		return Policy{}, Version{}, err
	}
	p, v, err := lockVersion(ctx, tx, s.Version, s.ETag)
	if err != nil {
		return Policy{}, Version{}, err
	}
	if err := p.CheckInUse(); err != nil {
		return Policy{}, Version{}, err
	}
	if err := v.checkState(from...); err != nil {
		return Policy{}, Version{}, err
	}
	if v, err = next(v); err != nil {
		return Policy{}, Version{}, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_policy_versions
		SET state = @state, submitter = nullif(@submitter, ''), approver = nullif(@approver, '')
		WHERE id = @id`, pgx.NamedArgs{"id": v.ID, "state": v.State, "submitter": v.Submitter, "approver": v.Approver})
	if err != nil {
		return Policy{}, Version{}, fmt.Errorf("update policy version: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gov_policy_reviews (version_id, ordinal, action, subject, comment)
		VALUES (@version_id, @ordinal, @action, @subject, @comment)`,
		pgx.NamedArgs{"version_id": v.ID, "ordinal": len(v.Reviews) + 1, "action": action, "subject": s.Subject, "comment": s.Comment})
	if err != nil {
		return Policy{}, Version{}, fmt.Errorf("insert review: %w", err)
	}
	v, err = GetVersion(ctx, tx, v.ID)
	return p, v, err
}

// lockVersion reads a version and its policy, whose row stays locked until the transaction ends: all steps of a policy's versions wait for each
// other, so what is returned is final. A stale etag is STALE_ETAG.
func lockVersion(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string) (Policy, Version, error) {
	v, err := getVersion(ctx, tx, id)
	if err != nil {
		return Policy{}, Version{}, err
	}
	p, err := Lock(ctx, tx, v.PolicyID, etag)
	if err != nil {
		return Policy{}, Version{}, err
	}
	v, err = GetVersion(ctx, tx, id)
	return p, v, err
}

func loadReviews(ctx context.Context, tx pgx.Tx, id uuid.UUID) ([]Review, error) {
	rows, err := tx.Query(ctx, `
		SELECT action, subject, comment, review_time AS time
		FROM gov_policy_reviews
		WHERE version_id = @version_id
		ORDER BY ordinal`, pgx.NamedArgs{"version_id": id})
	if err != nil {
		return nil, fmt.Errorf("select reviews: %w", err)
	}
	reviews, err := pgx.CollectRows(rows, pgx.RowToStructByName[Review])
	if err != nil {
		return nil, fmt.Errorf("select reviews: %w", err)
	}
	if len(reviews) == 0 {
		return nil, nil
	}
	return reviews, nil
}
