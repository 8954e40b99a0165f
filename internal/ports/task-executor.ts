/** What knows how to run one type of task. Own types are added with `registerTaskExecutor`. */
import type { AttemptId } from "../core/attempt.ts";
import type { JsonObject } from "../core/json.ts";
import type { ArtifactLimits, NewArtifact } from "../core/new-artifact.ts";
import type { TaskError } from "../core/outcome.ts";
import type { FileReader } from "./host-files.ts";

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
  /** Patterns of the files that it hands over, see `core/glob.ts`. Default: none. */
  readonly outputs?: readonly string[];
  /** Folder of this host with the files of its artifacts; absent where there are none. */
  readonly artifactFolder?: string;
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
  /** The text without the secrets that the call has, for what leaves this process in another way than these and the answer. */
  masked(text: string): string;
  /** More than this it cannot hand over. */
  readonly artifactLimits: ArtifactLimits;
  /** Called once what it hands over is stored, or never will be: when the attempt is over. At once where it is over already. What it throws is lost. */
  atEnd(act: () => void): void;
}

/** Where something was printed. */
export type PrintStream = "stdout" | "stderr";

/**
 * Skipped: there was nothing to do. What depends on the task is skipped too, and the run completes.
 */
export type TaskReturn =
  | {
      readonly ok: true;
      readonly output: JsonObject;
      readonly skipped?: string;
      /** What it hands over to the tasks after it. Default: nothing. */
      readonly artifacts?: readonly NewArtifact[];
    }
  | { readonly ok: false; readonly error: TaskError; readonly output?: JsonObject };

export interface SeesFiles {
  /** The folder in which they find them, if it is not the one of this host. */
  readonly at?: string;
  /** Who reads them. */
  readonly reader?: FileReader;
}

export interface TaskExecutor {
  /** The type's canonical name, as tasks carry it. */
  readonly type: string;
  /** How its tasks see the files of their artifacts, if they do. Default: where they are, as who this process runs as. */
  readonly seesFiles?: SeesFiles | "none";
  /** Runs one attempt to its end. A rejection counts as `worker-error`; failures of the task are returned. */
  execute(call: TaskCall, context: TaskContext): Promise<TaskReturn>;
}

/** A function that tasks of type `function` name. */
export type TaskFunction = (params: JsonObject, context: FunctionContext) => unknown;

export interface FunctionContext {
  /** Aborted when the attempt must end: time limit, cancel, drain. */
  readonly signal: AbortSignal;
  /** When the time limit of the attempt is reached, in milliseconds since 1970. */
  readonly deadline: number;
  readonly identity: FunctionIdentity;
  /** A line for the operator, in the attempt's log. */
  log(line: string): void;
  /** How much of the work is done, from 0 to 1, and what is being done: a line in the attempt's log, once a second at most. */
  progress(fraction: number, note?: string): void;
  /** Path of a folder of its own, for files that it hands over: made when it is first asked for, removed when the attempt is over. */
  folder(): Promise<string>;
}

export interface FunctionIdentity extends AttemptId {
  readonly dagName: string;
  readonly tenantId: string;
  /** Text that no other attempt has, for services that take something once only. */
  readonly idempotencyKey: string;
}
