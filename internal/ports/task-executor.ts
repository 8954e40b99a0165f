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
  /** All params: the run's, the task's own, and `<dep>__<key>` of the direct upstream outputs. */
  readonly params: JsonObject;
  readonly env: Readonly<Record<string, string>>;
}

export interface TaskContext {
  /** Aborted when the attempt must end: time limit, cancel, drain. The executor then ends all it started, and returns. */
  readonly signal: AbortSignal;
  /** How long what it started may take to end by itself after the signal, in milliseconds, before it is killed. */
  readonly graceMs: number;
  /** A line for the operator. */
  log(line: string): void;
}

export type TaskReturn =
  | { readonly ok: true; readonly output: JsonObject }
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
