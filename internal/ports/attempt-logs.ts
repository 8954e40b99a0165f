/** Where the logs of attempts are kept, and read. */
import type { AttemptOfRun } from "../core/attempt.ts";
import type { PrintStream } from "./task-executor.ts";

/** The log of one attempt, as its worker writes it. Nothing here waits, and nothing here throws. */
export interface AttemptLog {
  /** A whole line for the operator, without its end. */
  line(text: string): void;
  /** What the attempt printed: bytes of any number of lines and parts of them. */
  print(stream: PrintStream, bytes: Uint8Array): void;
  /** The attempt has ended: what is left goes out, and nothing follows. */
  end(): void;
}

export interface AttemptLogs {
  open(attempt: AttemptOfRun): AttemptLog;
}
