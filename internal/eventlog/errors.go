package eventlog

import "errors"

// What a caller can tell apart.
var (
	// ErrLocked: another process has the folder open.
	ErrLocked = errors.New("the log folder is in use by another process")
	// ErrNewerFormat: the folder or a batch was written by a newer version of this program.
	ErrNewerFormat = errors.New("the log was written by a newer version of Fleetbeat")
	// ErrBroken: an append ended without an answer, so what the log holds is not known until Recover has found out.
	ErrBroken = errors.New("the log is broken until it recovers")
	// ErrNoSpace: the disk has less than Config.Reserve left. Nothing was written; the log goes on when there is room.
	ErrNoSpace = errors.New("the disk of the log is nearly full")
	// ErrInvalid: a batch breaks a promise of the log and was not written.
	ErrInvalid = errors.New("invalid batch")
	// ErrDropped: the log begins behind the position that was asked for.
	ErrDropped = errors.New("the log was dropped up to there")
	// ErrBehind: another node wrote to the shared log first. Nothing was written; the log's head and time have moved.
	ErrBehind = errors.New("another node wrote to the log first")
	// ErrForeign: what was found is not this node's log.
	ErrForeign = errors.New("it is another log")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("the log is closed")
)
