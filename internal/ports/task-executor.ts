/** What knows how to run one type of task. Own types are added with `registerTaskExecutor`. */
import type { AttemptId } from "../core/attempt.ts";
import type { JsonObject } from "../core/json.ts";
import type { TaskError } from "../core/outcome.ts";

/** One attempt, as a task executor sees it. */
export interface TaskCall extends AttemptId {
  readonly dagName: string;
  readonly tenantId: string;
  readonly type: string;
  readonly command: string;
  /** What only tasks of this type have: `with` of a file, with every duration in seconds. */
  readonly options: JsonObject;
  /** All params: the run's, the task's own, and `<dep>__<key>` of the direct upstream outputs. */
  readonly params: JsonObject;
  readonly env: Readonly<Record<string, string>>;
}

export interface TaskContext {
  /** Aborted when the attempt must end: time limit, cancel, drain. The executor then ends all it started, and returns. */
  readonly signal: AbortSignal;
  /** How long what it started may take to end by itself after the signal, in milliseconds, before it is killed. */
  readonly graceMs: number;
  /** When the time limit of the attempt is reached, in milliseconds since 1970. */
  readonly deadline: number;
  /** A line for the operator; it joins what the attempt prints in its log. */
  log(line: string): void;
  /** What the attempt prints, as it comes: bytes of any number of lines and parts of them. They are not kept, so they may be reused. */
  print(stream: PrintStream, bytes: Uint8Array): void;
}

/** Where something was printed. */
export type PrintStream = "stdout" | "stderr";

/**
 * Skipped: there was nothing to do. What depends on the task is skipped too, and the run completes.
 */
export type TaskReturn =
  | { readonly ok: true; readonly output: JsonObject; readonly skipped?: string }
  | { readonly ok: false; readonly error: TaskError; readonly output?: JsonObject };

export interface TaskExecutor {
  /** The type's canonical name, as tasks carry it. */
  readonly type: string;
  /** Runs one attempt to its end. A rejection counts as `worker-error`; failures of the task are returned. */
  execute(call: TaskCall, context: TaskContext): Promise<TaskReturn>;
}

/** A function that tasks of type `function` name. */
export type TaskFunction = (params: JsonObject, context: FunctionContext) => unknown;

export interface FunctionContext {
  readonly signal: AbortSignal;
  readonly identity: AttemptId & { readonly dagName: string; readonly tenantId: string };
  log(line: string): void;
}
