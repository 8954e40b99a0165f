/** What attempts print and log, as it is kept and read. */
import type { AttemptId, AttemptOfRun } from "./attempt.ts";

/** Where it was printed; `log` are the lines that a task logs by its context. */
export type LogStream = "stdout" | "stderr" | "log";

/** Text of one stream: lines, the last of which may go on in a later piece. */
export interface LogPiece {
  /** When it came, in milliseconds since 1970, by the clock of the worker; never less than that of the piece before. */
  readonly time: number;
  readonly stream: LogStream;
  readonly text: string;
}

/** Some of what one execution of an attempt printed, in the order in which it came. */
export interface LogBatch {
  readonly attempt: AttemptOfRun;
  /** Id of the worker. */
  readonly worker: string;
  /** The execution: an attempt may be run twice. Safe in subjects. */
  readonly writer: string;
  /** Where it is kept: a later batch of the writer in the same slot takes its place. Safe in subjects. */
  readonly slot: string;
  /** Of all that the execution printed, how many bytes came before these. */
  readonly from: number;
  /** How many bytes these were. */
  readonly bytes: number;
  /** The attempt has printed more than is kept of it: this is of its newest. */
  readonly isTail: boolean;
  /** None of one that only empties its slot. */
  readonly pieces: readonly LogPiece[];
}

/** What is known of a line, and of a gap. */
interface Entry {
  readonly attempt: AttemptId;
  readonly worker: string;
  readonly writer: string;
  readonly time: number;
}

export interface LogLine extends Entry {
  readonly kind: "line";
  readonly stream: LogStream;
  /** Without its end. */
  readonly text: string;
  /** It goes on, in the next line of the same stream. */
  readonly isOpen: boolean;
}

/** Something was printed here that is not kept: of an attempt that printed too much, since it could not be stored in time, or is gone by now. */
export interface LogGap extends Entry {
  readonly kind: "gap";
  readonly bytes: number;
  readonly why: "limit" | "missing";
}

export type LogEntry = LogLine | LogGap;
