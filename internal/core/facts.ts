/** The facts of the run log. A run's state is a pure fold over them, in the order of the log. */
import type { ArtifactPiece } from "./artifact.ts";
import type { JsonObject } from "./json.ts";
import type { Outcome } from "./outcome.ts";
import type { BlobRef, Stored } from "./stored.ts";

/** Version of the rules by which facts are folded; frozen into each run. */
export const SEMANTICS = 1;

/** Every default in force when the run was submitted. */
export interface RunDefaults {
  /** Time limit of an attempt whose task names none, in milliseconds; without it the worker's own counts. */
  readonly taskTimeoutMs?: number;
  /** How often an instance may be lost with its worker before it ends as `crashed`. */
  readonly lossCap: number;
  /** So many instances may a task have. Default 100,000. */
  readonly fanOutLimit?: number;
}

export interface Submitted {
  readonly kind: "submitted";
  readonly dagName: string;
  readonly tenantId: string;
  /** Content hash of the definition, and where it is stored. */
  readonly definition: BlobRef;
  /** The run's params over the definition's. */
  readonly params: Stored<JsonObject>;
  readonly defaults: RunDefaults;
  readonly semantics: number;
  /** Drawn by the submitter: tells its own repeated write from another submission of the same run id. */
  readonly nonce: string;
}

/** An `outcomes` fact stays at this many bytes or so; what is larger goes as several. */
export const MAX_OUTCOMES_BYTES = 256 * 1_024;
/** An inline output above this many bytes would leave no room in its fact for the rest. */
export const MAX_INLINE_OUTPUT_BYTES = 192 * 1_024;

/** Outcomes of one run that ended within one turn of the writer's loop. */
export interface Outcomes {
  readonly kind: "outcomes";
  /** Log sequence of the run's `submitted`; another run of the same id is another run. */
  readonly runSeq: number;
  readonly items: readonly Outcome[];
  /** Of attempts whose outcomes are yet to come. */
  readonly pieces?: readonly ArtifactPiece[];
  /** With queue and counter it makes the message unique: a writer's retry of it is refused, which means stored. */
  readonly queue: string;
  readonly incarnation: string;
  readonly n: number;
}

/** Ends the run before its time: by request, because its time limit is reached, or as who embeds the engine says. */
export type Cancel = {
  readonly kind: "cancel";
  readonly gen: number;
  readonly message: string;
} & (
  | { readonly cause: "request" | "time-limit" }
  | { readonly cause: "abort"; readonly state: Exclude<RunEndState, "completed"> }
);

/** The state that the run ends in. */
export function endOf(cancel: Cancel): Exclude<RunEndState, "completed"> {
  switch (cancel.cause) {
    case "request":
      return "cancelled";
    case "time-limit":
      return "failed";
    case "abort":
      return cancel.state;
  }
}

/** Runs again what did not succeed in a run that has ended; attempt numbers go on, budgets start again. */
export interface Retry {
  readonly kind: "retry";
  /** The generation that it begins: one more than the run's last. */
  readonly gen: number;
  /** Only these tasks and what depends on them; empty for all that did not succeed. */
  readonly tasks: readonly string[];
}

/** Announces the end that the fold has reached; decides nothing. */
export interface Finished {
  readonly kind: "finished";
  readonly gen: number;
  readonly state: RunEndState;
  readonly durationMs: number;
}

/**
 * Ends the run for good: its facts are in the history, and go from the log. It takes the place of the retry that would
 * begin the next generation, so that the log holds one of the two: the one that was first.
 */
export interface Retired {
  readonly kind: "retired";
  /** The generation that will never begin. */
  readonly gen: number;
  /** As the last `finished` said. */
  readonly state: RunEndState;
  readonly durationMs: number;
}

export type Fact = Submitted | Outcomes | Cancel | Retry | Finished | Retired;

export type RunEndState = "completed" | "failed" | "crashed" | "cancelled";
export type RunState = "pending" | "running" | RunEndState;

export type InstanceEndState =
  "completed" | "failed" | "crashed" | "cancelled" | "skipped" | "filtered" | "upstream_failed";
/** `queued` and `running` are observations (the live table), never the fold's. */
export type InstanceState = "pending" | "queued" | "running" | "retrying" | InstanceEndState;

/** A fact as the log holds it. */
export interface LoggedFact {
  /** Position in the log; rises, with gaps. */
  readonly seq: number;
  /** The server's time at which it was stored, in milliseconds since 1970. */
  readonly time: number;
  readonly runId: string;
  /** 0 to 63. */
  readonly partition: number;
  readonly fact: Fact;
}
