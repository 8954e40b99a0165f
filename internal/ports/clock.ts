/** Time and chance, as services may know them. `core` gets both as plain arguments. */
export interface Clock {
  /** Milliseconds since 1970; may step. For display and for what leaves this process. */
  now(): number;
  /** Milliseconds since some fixed point; never steps back. For durations and deadlines. */
  monotonic(): number;
  /** Calls `fn` once, `ms` milliseconds from now; the timer does not keep the process alive by itself. */
  after(ms: number, fn: () => void): Timer;
  /** Calls `fn` in a later turn of the loop: after what is done now, and after what has come meanwhile was read. */
  soon(fn: () => void): void;
  /** Keeps the process alive until it is cancelled: somebody waits for what only timers will bring about. */
  stayAlive(): Timer;
}

export interface Timer {
  cancel(): void;
}

export interface Random {
  /** A new identifier, safe in subjects: `[A-Za-z0-9_-]`, 12 characters or more. */
  id(): string;
}
