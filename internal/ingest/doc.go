// Package ingest turns what vehicles send into facts in the log.
//
// What enters: HTTP requests at the doors (Doors), from vehicles that may be broken, hostile or many. What leaves:
// batches of heartbeats and facts, appended to the log by one Committer.
//
//	vehicle -> Doors (known? well formed?) -> Committer.Submit (stamp) -> group commit -> eventlog.Log.Append
//
// What it promises:
//
//   - A door that answers with success has the heartbeat on disk. Nothing fails after the append.
//   - A request is stored whole or not at all, apart from the items it reports as rejected.
//   - The log's order is the order of received-at, whatever the wall clock does.
//   - A heartbeat that repeats a sequence number of its vehicle's last 64 is marked Repeat, also across restarts.
//   - Nothing grows without bound: each queue, list and buffer has a limit, a policy and a metric.
//
// It knows nothing about presence, customers or the read side. Which vehicles exist, it learns from a Set that its
// owner keeps up to date.
package ingest
