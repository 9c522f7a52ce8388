package registry

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// awayError is an ErrUnavailable. It tells callers no more than that; its cause is for our log.
type awayError struct{ cause error }

func (e *awayError) Error() string { return ErrUnavailable.Error() + "; try again" }

// Unwrap makes it an ErrUnavailable.
func (e *awayError) Unwrap() []error { return []error{ErrUnavailable, e.cause} }

func (p *postgres) fault(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || !isAway(err) {
		return err
	}
	return &awayError{err}
}

// isAway says whether an error comes of a database that cannot be reached, or that serves nobody for now.
func isAway(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return !errors.Is(err, context.Canceled)
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusesAll(said.Code)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // whoever asked has given up
	}
	for _, broken := range []error{driver.ErrBadConn, sql.ErrConnDone, pgconn.ErrConnClosed, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, broken) {
			return true
		}
	}
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.SafeToRetry(err)
}

// refusesAll says whether an SQLSTATE is not about the statement but about the server, or a pool before it.
func refusesAll(code string) bool {
	const readOnly = "25006"                // a stand-by, while another takes over
	return strings.HasPrefix(code, "08") || // the connection, or a pool's
		strings.HasPrefix(code, "53") || // no room: connections, disk, memory
		strings.HasPrefix(code, "57P") || // stopping, starting
		strings.HasPrefix(code, "28") || // no entry
		code == "3D000" || code == readOnly
}

// isRefused says whether waiting is of no use: the user, the password or the database are wrong.
func isRefused(err error) bool {
	said, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(said.Code, "28") || said.Code == "3D000" || said.Code == "42501")
}
