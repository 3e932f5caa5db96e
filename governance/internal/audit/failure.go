package audit

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// failure says what a failed transaction means for its batch.
type failure uint8

const (
	noFailure           failure = iota
	conflict                    // another replica was faster, or an entry is on the wall already: look, and try again
	badEntry                    // some entry cannot be written: the database refuses what it holds, or its log has been tampered with
	unreachableDatabase         // no answer, or none that tells the outcome
)

// classify reads the SQLSTATE (PostgreSQL documentation, appendix A). An error that is not the server's leaves the outcome open, even where the
// transaction was on its way to commit.
func classify(err error) failure {
	if err == nil {
		return noFailure
	}
	if errs.ReasonOf(err) == errs.ReasonLogInconsistent {
		return badEntry // of one tenant: the others' go on
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return unreachableDatabase
	}
	switch pg.Code {
	case "23505", "40001", "40P01": // unique_violation, serialization_failure, deadlock_detected
		return conflict
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "22", "23", "54": // data exception, integrity constraint violation, program limit exceeded
		return badEntry
	}
	return unreachableDatabase
}
