// Package proof makes the log's record checkable by others: a Merkle tree over its batches (RFC 6962), signed
// checkpoints of it, proofs that a heartbeat is in it, and the check of a data folder or a copied log against them.
//
// What enters: the log's batches as they are stored, and proofs, checkpoints and folders from anywhere. What leaves:
// checkpoints as signed notes (C2SP tlog-checkpoint), proofs, and findings. What it promises:
//
//   - Leaf n of the tree is the SHA-256 of the stored bytes of batch n+1, which hold its position, its epoch and the hash
//     of the batch before. The tree is a function of the log alone, and stays the same when the log is repaired.
//   - What was signed never changes: each checkpoint's tree contains the one before it. When the log no longer fits what
//     was signed, nothing more is signed.
//   - Whatever is read back from its files is held against the signed root before it is used.
//
// What it does not: a checkpoint says what the holder of the key says. That nothing was left out before it was signed, or
// that there is no second tree, shows only by comparing checkpoints that were kept elsewhere.
package proof
