/** What executors observe and no log says: each of the runs that it drives, together of the cluster. */
import type { AttemptId } from "./attempt.ts";

export interface WorkerView {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly functions: readonly string[];
  readonly slots: number;
  readonly active: number;
  readonly draining: boolean;
  /** Why its outcomes wait to be stored, and it takes nothing more; absent while they do not. */
  readonly waits?: string;
  /** For how long its loop has not turned, in milliseconds; 0 while it does. */
  readonly blockedMs: number;
  /** Milliseconds since the executor last heard of it. */
  readonly silentMs: number;
}

export interface HeldView extends AttemptId {
  readonly workerId: string;
  /** Milliseconds since the executor learned of it. */
  readonly sinceMs: number;
}

export interface QueueView {
  readonly queue: string;
  /** Owed and not yet in the queue, plus queued or in flight. */
  readonly depth: number;
  /** Of these, those that are queued or in flight. */
  readonly queued: number;
  /** How many may be queued or in flight at a time. */
  readonly window: number;
  /** Of these, those that a worker holds. */
  readonly running: number;
  /** Live workers that take from it. */
  readonly workers: number;
}

/** What one executor says. All executors know all workers; of the rest each knows what belongs to its runs. */
export interface ExecutorView {
  readonly executor: string;
  /** How many executors drive runs, as far as it knows. */
  readonly executors: number;
  /** The shares of the runs that it drives. */
  readonly shares: readonly number[];
  readonly workers: readonly WorkerView[];
  readonly held: readonly HeldView[];
  readonly queues: readonly QueueView[];
  readonly activeRuns: number;
  /** Why what it writes waits to be stored, and it enqueues nothing more; absent while it does not. */
  readonly waits?: string;
}

/** What all together say that have answered. */
export interface ClusterView extends Omit<ExecutorView, "executor" | "executors"> {
  /** Those that have answered. */
  readonly executors: readonly string[];
}

/** Whether everybody has answered of whom the answers speak. */
export function isComplete(answers: readonly ExecutorView[]): boolean {
  return answers.length > 0 && answers.length >= Math.max(...answers.map(({ executors }) => executors));
}

/** `undefined` of no answers. */
export function merged(answers: readonly ExecutorView[]): ClusterView | undefined {
  if (answers.length === 0) return undefined;
  const [waits] = answers.flatMap((answer) => answer.waits ?? []);
  return {
    ...(waits === undefined ? {} : { waits }),
    executors: answers.map(({ executor }) => executor).toSorted(),
    shares: answers.flatMap(({ shares }) => shares).toSorted((a, b) => a - b),
    workers: join(
      answers.flatMap(({ workers }) => workers),
      ({ workerId, host, pid }) => `${workerId} ${host} ${pid}`,
      (a, b) => ({ ...a, active: a.active + b.active, silentMs: Math.min(a.silentMs, b.silentMs) }),
    ),
    held: answers.flatMap(({ held }) => held),
    queues: join(
      answers.flatMap(({ queues }) => queues),
      ({ queue }) => queue,
      (a, b) => ({
        queue: a.queue,
        depth: a.depth + b.depth,
        queued: a.queued + b.queued,
        window: a.window + b.window,
        running: a.running + b.running,
        workers: Math.max(a.workers, b.workers),
      }),
    ).toSorted((a, b) => (a.queue < b.queue ? -1 : 1)),
    activeRuns: answers.reduce((sum, { activeRuns }) => sum + activeRuns, 0),
  };
}

function join<T>(items: readonly T[], keyOf: (item: T) => string, add: (a: T, b: T) => T): T[] {
  const joined = new Map<string, T>();
  for (const item of items) {
    const known = joined.get(keyOf(item));
    joined.set(keyOf(item), known === undefined ? item : add(known, item));
  }
  return [...joined.values()];
}
