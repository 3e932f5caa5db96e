package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// versionColumns are the columns of gov_policy_versions that a Version holds in lists.
const versionColumns = `id, policy_id, number, state, content_sha256, package, description, author,
			coalesce(submitter, '') AS submitter, coalesce(approver, '') AS approver, test_run_id, create_time, activate_time, retire_time`

// maxPackage bounds the name of a version's package, in characters.
const maxPackage = 255

// Content is a version to be stored. The caller has compiled the modules, and thereby knows that they keep the contract's limits.
type Content struct {
	Modules []Module
	Package string // of the first module
	Data    []byte // the data document as canonical JSON; nil for none

	Description string
	Author      string // the subject of the caller
}

// Check refuses what cannot be stored.
func (c Content) Check() error {
	if err := prose("description", c.Description); err != nil {
		return err
	}
	if len(c.Package) > maxPackage {
		return errs.InvalidField("modules[0].source", "the package's name has %d characters, at most %d", len(c.Package), maxPackage)
	}
	for i, m := range c.Modules {
		if strings.ContainsRune(m.Source, 0) { // which PostgreSQL cannot store
			return errs.InvalidField(fmt.Sprintf("modules[%d].source", i), "must not hold NUL")
		}
	}
	return nil
}

// CreateVersion adds the content as the policy's next version, in state DRAFT. Numbers have no gaps: concurrent callers wait for each other on
// the policy's row. The policy's etag stays: clients see no change of it.
func CreateVersion(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, c Content) (Version, error) {
	if err := c.Check(); err != nil {
		return Version{}, err
	}
	number, err := nextNumber(ctx, tx, policyID)
	if err != nil {
		return Version{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Version{}, fmt.Errorf("make policy version id: %w", err)
	}
	digest := ContentSHA256(c.Modules, c.Data)
	rows, err := tx.Query(ctx, `
		INSERT INTO gov_policy_versions (id, policy_id, number, content_sha256, package, data, description, author)
		VALUES (@id, @policy_id, @number, @content_sha256, @package, @data, @description, @author)
		RETURNING `+versionColumns,
		pgx.NamedArgs{
			"id": id, "policy_id": policyID, "number": number, "content_sha256": digest[:], "package": c.Package,
			"data": textOrNull(c.Data), "description": c.Description, "author": c.Author,
		})
	if err != nil {
		return Version{}, fmt.Errorf("insert policy version: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Version])
	if err != nil {
		return Version{}, fmt.Errorf("insert policy version: %w", err)
	}
	if err := insertModules(ctx, tx, id, c.Modules); err != nil {
		return Version{}, err
	}
	v.Modules, v.Data = c.Modules, c.Data
	return v, nil
}

// textOrNull is the parameter for a data document.
func textOrNull(data []byte) *string {
	if data == nil {
		return nil
	}
	text := string(data)
	return &text
}

// nextNumber counts one more version of the policy and returns its number. The row stays locked until the transaction ends.
func nextNumber(ctx context.Context, tx pgx.Tx, policyID uuid.UUID) (number int32, err error) {
	p := Policy{ID: policyID}
	err = tx.QueryRow(ctx, `
		UPDATE gov_policies
		SET version_count = version_count + 1
		WHERE id = @id
		RETURNING version_count, archive_time`, pgx.NamedArgs{"id": policyID}).Scan(&number, &p.ArchiveTime)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, notFound(policyID)
	}
	if err != nil {
		return 0, fmt.Errorf("count policy version: %w", err)
	}
	return number, p.CheckInUse()
}

func insertModules(ctx context.Context, tx pgx.Tx, id uuid.UUID, modules []Module) error {
	paths, sources := make([]string, len(modules)), make([]string, len(modules))
	for i, m := range modules {
		paths[i], sources[i] = m.Path, m.Source
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_policy_modules (version_id, ordinal, path, source)
		SELECT @version_id, ordinal, path, source
		FROM unnest(@paths::text[], @sources::text[]) WITH ORDINALITY AS m (path, source, ordinal)`,
		pgx.NamedArgs{"version_id": id, "paths": paths, "sources": sources})
	if err != nil {
		return fmt.Errorf("insert modules: %w", err)
	}
	return nil
}

// GetVersion returns a version of the tenant with its modules, its data and its review.
func GetVersion(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Version, error) {
	v, err := getVersion(ctx, tx, id)
	if err != nil {
		return Version{}, err
	}
	modules, err := loadModules(ctx, tx, []uuid.UUID{id})
	if err != nil {
		return Version{}, err
	}
	v.Modules = modules[id]
	if v.Data, err = loadData(ctx, tx, id); err != nil {
		return Version{}, err
	}
	if v.Reviews, err = loadReviews(ctx, tx, id); err != nil {
		return Version{}, err
	}
	if err := verify(v.Modules, v.Data, v.ContentSHA256); err != nil {
		return Version{}, err
	}
	read := []Version{v}
	err = readQuarantines(ctx, tx, read)
	return read[0], err
}

func loadData(ctx context.Context, tx pgx.Tx, id uuid.UUID) (data []byte, err error) {
	err = tx.QueryRow(ctx, `
		SELECT data
		FROM gov_policy_versions
		WHERE id = @id`, pgx.NamedArgs{"id": id}).Scan(&data)
	if err != nil {
		return nil, fmt.Errorf("select data document: %w", err)
	}
	return data, nil
}

func getVersion(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Version, error) {
	return postgres.Get(ctx, tx, "policy version", id, `
		SELECT `+versionColumns+`
		FROM gov_policy_versions
		WHERE id = @id`, pgx.RowToStructByName[Version])
}

// loadModules returns the modules of the versions, in their order.
func loadModules(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (map[uuid.UUID][]Module, error) {
	rows, err := tx.Query(ctx, `
		SELECT version_id, path, source
		FROM gov_policy_modules
		WHERE version_id = ANY(@ids)
		ORDER BY version_id, ordinal`, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("select modules: %w", err)
	}
	modules := make(map[uuid.UUID][]Module, len(ids))
	var id uuid.UUID
	var m Module
	_, err = pgx.ForEachRow(rows, []any{&id, &m.Path, &m.Source}, func() error {
		modules[id] = append(modules[id], m)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select modules: %w", err)
	}
	return modules, nil
}

// ListVersions returns at most limit versions of the policy in the state (empty: in any), newest first and without modules, that come after the one with
// the given number (0: from the start), and whether there are more.
func ListVersions(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, state State, after int32, limit int) (versions []Version, more bool, err error) {
	if _, err := Get(ctx, tx, policyID); err != nil {
		return nil, false, err
	}
	rows, err := tx.Query(ctx, `
		SELECT `+versionColumns+`
		FROM gov_policy_versions
		WHERE policy_id = @policy_id
		AND (@state = '' OR state = @state)
		AND (@after = 0 OR number < @after)
		ORDER BY number DESC
		LIMIT @limit`, pgx.NamedArgs{"policy_id": policyID, "state": state, "after": after, "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("select policy versions: %w", err)
	}
	versions, err = pgx.CollectRows(rows, pgx.RowToStructByName[Version])
	if err != nil {
		return nil, false, fmt.Errorf("select policy versions: %w", err)
	}
	if more = len(versions) > limit; more {
		versions = versions[:limit]
	}
	return versions, more, readQuarantines(ctx, tx, versions)
}
