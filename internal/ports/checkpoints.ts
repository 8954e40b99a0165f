/** How much of the log an executor that takes over need not read, for each share of the partitions. Nothing is wrong without. */
export interface Checkpoint {
  /** No run that goes on began before this position. */
  readonly from: number;
  /** The newest fact that this was made of; a log that does not hold it, as stored then, is another log. */
  readonly anchor: { readonly seq: number; readonly time: number };
}

export interface Checkpoints {
  /** The newest that was stored for this share. */
  get(share: number): Promise<Checkpoint | undefined>;
  put(share: number, checkpoint: Checkpoint): Promise<void>;
}
