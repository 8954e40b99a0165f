/** Messages that could not be read, with their bytes and the reason; nothing is thrown away. */
export interface DeadLetter {
  /** Where it came from: the subject it was sent to. */
  readonly subject: string;
  /** What is wrong with it, in one line. */
  readonly reason: string;
  readonly bytes: Uint8Array;
}

export interface DeadLetters {
  put(letter: DeadLetter): Promise<void>;
  /** The newest `limit` letters, newest first. */
  list(limit: number): Promise<DeadLetter[]>;
}
