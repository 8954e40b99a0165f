/** One try of one instance of a task: the identity that subjects, fences and idempotency keys are made of. */
import type { ArtifactRecord } from "./artifact-record.ts";
import type { Bindings } from "./bindings.ts";
import type { EdgeFilters } from "./edge-filter.ts";
import type { JsonObject } from "./json.ts";
import type { Stored } from "./stored.ts";

export interface AttemptId {
  readonly runId: string;
  readonly task: string;
  /** Which instance of the task; 0 for a plain task. */
  readonly index: number;
  /** From 1; only ever rises. */
  readonly attempt: number;
}

export interface AttemptOfRun extends AttemptId {
  /** Log sequence of the run's `submitted`: another run of the same id is another run. */
  readonly runSeq: number;
}

/** The text form of an attempt's identity: key in tables, and the idempotency key handed to the task. */
export function attemptKey(id: AttemptId): string {
  return `${id.runId}.${id.task}.${id.index}.${id.attempt}`;
}

/** What the params of an attempt are made of; see `mergeParams`. */
export interface Inputs {
  /** Params of the run. */
  readonly run: Stored<JsonObject>;
  /** The task's own params, which win over the run's. */
  readonly own: JsonObject;
  /** Outputs of the direct upstream tasks that have one; each key joins the params as `<task>__<key>`, and wins. */
  readonly upstream: readonly (readonly [task: string, output: Stored<JsonObject>])[];
  /** Of a task with a fan mode that depends on others. */
  readonly artifacts?: GivenArtifacts;
}

/** The artifacts that an instance was launched for, in order. */
export interface GivenArtifacts {
  /** It is one, and not a list of them. */
  readonly single?: true;
  readonly items: readonly ArtifactRecord[];
}

/** An attempt as it is queued: all that a worker needs to run it. */
export interface Work extends AttemptOfRun {
  /** Generation of the run. Absent: the first. */
  readonly gen?: number;
  readonly partition: number;
  readonly dagName: string;
  readonly tenantId: string;
  readonly queue: string;
  readonly type: string;
  readonly command: string;
  /** As in the definition. */
  readonly options: JsonObject;
  readonly env: Readonly<Record<string, string>>;
  /** Patterns of the files that it hands over. */
  readonly outputs?: readonly string[];
  readonly bindings?: Bindings;
  /** Expressions stand in its options or its own params; without it nothing is looked through for any. */
  readonly hasExpressions?: true;
  /** For bindings and expressions alone: what the instance gets has passed them. */
  readonly edgeFilters?: EdgeFilters;
  /** In milliseconds; without it the worker's own limit counts. */
  readonly timeoutMs?: number;
  readonly inputs: Stored<Inputs>;
  /** Who enqueued it could not know whether a worker has it already. */
  readonly mayBeHeld?: true;
  /** Until then, in the server's time, nobody else enqueues attempts of this run; milliseconds since 1970. */
  readonly trustedUntil?: number;
}

/**
 * Who enqueued the copy vouches for it: nobody has the attempt, or has had it. One that was held up on its way, and was
 * stored only after its enqueuer's lease was over, may be of an attempt that has run by then.
 */
export function isVouchedFor({ mayBeHeld, trustedUntil }: Work, storedAt: number): boolean {
  return mayBeHeld !== true && (trustedUntil === undefined || storedAt <= trustedUntil);
}
