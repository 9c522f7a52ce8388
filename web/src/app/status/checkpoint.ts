/** What a signed checkpoint says: how many batches of the log the tree has, and its root. */
export interface Checkpoint {
  size: number;
  /** In base64. */
  root: string;
}

/** Reads a checkpoint as it is signed (C2SP tlog-checkpoint): origin, size and root, a line each. */
export function checkpointOf(note: string): Checkpoint | undefined {
  const [, size, root] = note.split('\n');
  return size && root && /^\d+$/.test(size) ? { size: Number(size), root } : undefined;
}
