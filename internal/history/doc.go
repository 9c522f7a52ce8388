// Package history keeps what happened: every heartbeat, transition, gap and fact of the log, in files that are small,
// quick to ask and readable by anyone.
//
// What enters is the log, batch by batch through Apply. The part of it that is still open lies in memory, about five
// bytes a heartbeat. When an hour is over it is sealed into Parquet files, and when a day is over, the files of its hours
// become one. A manifest names the files that count, and the position from which the log must be read again; it is
// replaced whole. So a crash at any point loses nothing: what the manifest does not name does not count, and is made
// again from the log.
//
// What leaves is the heartbeats of a vehicle, the transitions and gaps of any time, and the state of the fleet at any
// moment. Everything is a function of the log alone; sealing and compacting change no answer. A file that is damaged is
// set aside, never deleted, and made again from the log where the log still reaches. docs/history.md describes the files
// column by column.
package history
