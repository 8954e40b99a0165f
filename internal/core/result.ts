/** What `execute` resolves with, and what `dag status` shows. */
import type { ToldArtifact } from "./artifact.ts";
import type { Loss } from "./endings.ts";
import type { InstanceState, RunState } from "./facts.ts";
import type { JsonObject } from "./json.ts";
import type { TaskError } from "./outcome.ts";

export interface InstanceResult {
  readonly state: InstanceState;
  /** Attempts that were begun or owed so far; 0 when it never became ready. */
  readonly attempts: number;
  /** Worker of the last attempt. */
  readonly worker?: string;
  /** How long the last attempt ran that has ended, in milliseconds; nothing while another one runs. */
  readonly durationMs?: number;
  readonly output?: JsonObject;
  readonly error?: TaskError;
  /** Of a task that was skipped by its own word: why. What depends on it is skipped without one. */
  readonly skipped?: string;
  /** Of a task that crashed: its attempts that were lost with their workers, the oldest first. */
  readonly losses?: readonly Loss[];
  /** What it was launched for: the id of its artifact, or, in mode `grouped`, of the origin of its artifacts. */
  readonly runsFor?: string;
  /** What it has handed over, in order; absent where that is nothing. */
  readonly artifacts?: readonly ToldArtifact[];
}

/** Of a task with several instances all but `state` is of the first of those that decide it, without what that one has given. */
export interface TaskResult extends InstanceResult {
  /** By index; absent where there is one. */
  readonly instances?: readonly InstanceResult[];
}

export interface RunResult {
  readonly runId: string;
  readonly dag: string;
  readonly state: RunState;
  readonly durationMs: number;
  /** Why the run ended before all of its tasks did, if so. */
  readonly message?: string;
  /** By task id, in the order of the definition. */
  readonly tasks: Readonly<Record<string, TaskResult>>;
}
