package postgres

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// SQLSTATE codes (PostgreSQL documentation, appendix A) that the platform reacts to.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// IsUniqueViolation reports whether err is a violation of the named unique or primary key constraint; an empty name matches any.
func IsUniqueViolation(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == uniqueViolation && (constraint == "" || pg.ConstraintName == constraint)
}

// IsUnreachable reports whether err says that no connection could be made, which is the same for whoever asks next. A statement that timed out, or a connection
// that was lost, may be the fault of what was asked.
func IsUnreachable(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == serializationFailure || pg.Code == deadlockDetected)
}

// Translate turns errors of pgx that mean "the database does not answer" into errs.Unavailable and leaves every other error as it is. Callers of
// pgx outside a transaction function use it; Tx and TenantTx apply it themselves.
func Translate(err error) error {
	if err == nil || isFinal(err) {
		return err
	}
	var network net.Error
	if isDown(err) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return errs.Down("the database", err)
	}
	return err
}

// translateTx is Translate for what a transaction function returned, in which a network error may be somebody else's: that the
// connection is closed tells whose it is.
func translateTx(err error, closed bool) error {
	if err == nil || isFinal(err) {
		return err
	}
	if closed || isDown(err) {
		return errs.Down("the database", err)
	}
	return err
}

// isFinal reports whether err says already what the client is to learn. A call that ended is not the database's fault.
func isFinal(err error) bool {
	var known *errs.Error
	return errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// isDown reports whether err can only mean that the database does not answer, or not now.
func isDown(err error) bool {
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg): // also inside a ConnectError: a refused password is not an outage
		switch pg.Code[:min(2, len(pg.Code))] {
		case "08", "53", "57": // connection, insufficient resources, operator intervention (with query_canceled: statement_timeout)
			return true
		}
		return false
	case errors.As(err, &connect):
		return true
	}
	return pgconn.SafeToRetry(err)
}
