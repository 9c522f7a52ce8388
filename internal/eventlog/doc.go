// Package eventlog keeps the log: batches of events, each at its position, on disk before anyone is told so.
//
// Batches enter by Append and leave by Follow, Wait and Read. It is the only package that knows NATS JetStream, which
// runs inside the process, without a port, and syncs every write.
//
// It promises that an acknowledged batch is never lost silently and that no position is ever used twice. JetStream
// alone does not: it drops what it cannot read and uses the numbers again. So every batch carries a checksum, its own
// number and the hash of the batch before it; the last position and hash are kept in a second place; and Open reads
// every block and compares all of this before the server may touch a file. What is damaged is set aside untouched, a
// new store is made of every batch that can still be read, and event.Lost stands where one cannot.
//
// Reading goes to JetStream's block files directly: it is faster than its consumers, and the same code verifies.
package eventlog
