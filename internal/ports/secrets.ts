/** Where a worker finds the values that `secret://NAME` stands for. */

export interface Secrets {
  /**
   * The value of the secret of this name, which is one that a secret can have. Rejects with `NoSecret`; the message of
   * anything else it rejects with is not told to others, as nobody knows what it holds.
   */
  get(name: string): Promise<string>;
}

/** There is no such secret, or it cannot be read. The message says where it was looked for, and nothing of a value. */
export class NoSecret extends Error {
  override readonly name = "NoSecret";
}
