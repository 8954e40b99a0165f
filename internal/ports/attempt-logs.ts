/** Where the logs of attempts are kept, and read. */
import type { LogBatch } from "../core/attempt-log.ts";
import type { AttemptId, AttemptOfRun, Work } from "../core/attempt.ts";
import type { PrintStream } from "./task-executor.ts";

/** The log of one attempt, as its worker writes it. Nothing here waits, and nothing here throws. */
export interface AttemptLog {
  /** A whole line for the operator, without its end. */
  line(text: string): void;
  /** What the attempt printed: bytes of any number of lines and parts of them. They are copied. */
  print(stream: PrintStream, bytes: Uint8Array): void;
  /** The attempt has ended: what is left goes out, and nothing follows. */
  end(): void;
}

export interface AttemptLogs {
  /** `workerId`: who runs it. */
  open(attempt: AttemptOfRun & Pick<Work, "type">, workerId: string): AttemptLog;
}

/** The attempts of a run, or some of them. */
export type LogsOf = Pick<AttemptId, "runId"> & Partial<Omit<AttemptId, "runId">>;

/**
 * The logs of all runs, up to a limit and an age: then the oldest go.
 *
 * Promises that every implementation keeps:
 * S1 Batches are handed over in the order in which they were stored, each at least once.
 * S2 A batch in the slot of an earlier one takes its place.
 * S3 There is always room for what is new.
 * S4 Whoever reads changes nothing. What cannot be read is left out, and told as a trouble once the reader has ended.
 */
export interface LogStore {
  /** Resolves once it is stored, however long that takes; rejects when it never will be. */
  put(batch: LogBatch): Promise<void>;
  /** Hands over what is kept now. */
  read(which: LogsOf, onBatch: (batch: LogBatch) => void): Promise<void>;
  /** Hands over what is kept, and what comes, until it is stopped. */
  follow(which: LogsOf, handlers: LogHandlers): Promise<LogFollower>;
  /** When the oldest batch was stored that is kept, in milliseconds since 1970; `undefined` while none has gone. */
  since(): Promise<number | undefined>;
}

export interface LogHandlers {
  batch(batch: LogBatch): void;
  /** All that was kept at the beginning was handed over; may be called again. */
  caughtUp(): void;
}

export interface LogFollower {
  /** Resolves once all that is kept now was handed over. */
  reached(): Promise<void>;
  stop(): Promise<void>;
}
