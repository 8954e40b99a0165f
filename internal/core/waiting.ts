/**
 * What stands between an unfinished instance and its end: it runs, or it waits for something that has a name. The one
 * place that says so; what is shown of it anywhere is made of this.
 */
import { attemptKey } from "./attempt.ts";
import type { ClusterView, HeldView, QueueView } from "./cluster-view.ts";
import { shareOf } from "./hash.ts";
import type { Owed } from "./change.ts";
import type { Task } from "./model.ts";
import type { RunFold } from "./run-fold.ts";

/** What keeps anything of a queue from running, whoever's it is. */
export type Obstacle =
  /** No executor drives the run; it can go on with what is queued, and no further. */
  | { readonly kind: "no-executor" }
  /** The executor cannot write. */
  | { readonly kind: "server"; readonly why: string }
  /** No live worker takes from the queue, where tasks of these types are to run; `others`: there are workers. */
  | {
      readonly kind: "no-worker";
      readonly queue: string;
      readonly types: readonly string[];
      readonly others: boolean;
    }
  /** All live workers of the queue wait for their outcomes to be stored. */
  | { readonly kind: "workers-held-up"; readonly queue: string; readonly why: string };

export type Wait =
  | Obstacle
  | {
      readonly kind: "running";
      readonly worker: string;
      readonly sinceMs: number;
      /** Time limit of the attempt, in milliseconds; without it the worker's own counts. */
      readonly timeoutMs?: number;
    }
  /** For the tasks at these positions. */
  | { readonly kind: "upstream"; readonly positions: readonly number[] }
  /** Until this log time, in milliseconds since 1970. */
  | { readonly kind: "back-off"; readonly until: number; readonly forMs: number }
  /** For something outside, which it looks for again at this log time; `found` is what the last look says. */
  | {
      readonly kind: "looking";
      readonly until: number;
      readonly forMs: number;
      readonly found: string;
    }
  /** For its turn in the queue. */
  | { readonly kind: "queued"; readonly queue: string; readonly waiting: number; readonly inFlight: number }
  /** So many attempts of the queue may be in flight at a time. */
  | { readonly kind: "queue-limit"; readonly queue: string; readonly limit: number; readonly waiting: number }
  /** So many attempts of the run may be queued or running at a time. */
  | { readonly kind: "max-parallel"; readonly limit: number }
  /** So many attempts are put into the queue at a time; this many wait for a place there. */
  | {
      readonly kind: "window";
      readonly queue: string;
      readonly window: number;
      readonly before: number;
    }
  /** For nothing that is known: the executor is about to put it into the queue. */
  | { readonly kind: "turn" };

export interface QueueState {
  /** Attempts that nobody has taken yet. */
  readonly waiting: number;
  readonly inFlight: number;
  /** So many may be in flight at a time. */
  readonly limit: number;
}

/** What is known beside the log. */
export interface Surroundings {
  /** Log time, in milliseconds since 1970. */
  readonly now: number;
  /** What the executors say; `undefined` when none answers. */
  readonly view: ClusterView | undefined;
  /** Keys of the run's attempts that the work queue holds. */
  readonly queued: ReadonlySet<string>;
  /** By name. */
  readonly queues: ReadonlyMap<string, QueueState>;
  /** By instance: the message of the last attempt that failed, where one did. */
  readonly messages: ReadonlyMap<number, string>;
}

/** Of each unfinished instance by its number, in topological order; none of a run that has ended. */
export function waitsOf(run: RunFold, surroundings: Surroundings): Map<number, Wait> {
  if (run.end !== undefined) return new Map();
  const owed = new Map(run.owed().map((each) => [each.instance, each]));
  const around = { ...surroundings, held: heldBy(run.runId, surroundings.view) };
  const instances = [...run.graph.order].flatMap((position) => run.instances.of(position));
  return new Map(
    instances
      .filter((instance) => isUnfinished(run, instance))
      .map((instance) => {
        const attempt = owed.get(instance);
        return [instance, attempt === undefined ? upstreamOf(run, instance) : waitOf(run, attempt, around)];
      }),
  );
}

/** What keeps these tasks from running. */
export function obstaclesOf(
  view: ClusterView | undefined,
  tasks: Iterable<Pick<Task, "queue" | "type">>,
): Obstacle[] {
  if (view === undefined) return [{ kind: "no-executor" }];
  const own: Obstacle[] = view.waits === undefined ? [] : [{ kind: "server", why: view.waits }];
  const queues = new Map<string, Set<string>>();
  for (const { queue, type } of tasks) queues.set(queue, (queues.get(queue) ?? new Set()).add(type));
  return [...own, ...[...queues].flatMap(([queue, types]) => queueObstacle(view, queue, [...types]) ?? [])];
}

function queueObstacle(view: ClusterView, queue: string, types: readonly string[]): Obstacle | undefined {
  const serving = view.workers.filter(
    ({ queues, draining }) => !draining && (queues.includes(queue) || queues.includes("*")),
  );
  if (serving.length === 0) return { kind: "no-worker", queue, types, others: view.workers.length > 0 };
  const [first] = serving;
  if (first?.waits === undefined || serving.some(({ waits }) => waits === undefined)) return undefined;
  return { kind: "workers-held-up", queue, why: first.waits };
}

function waitOf(
  run: RunFold,
  { instance, attempt, dueAt }: Owed,
  around: Surroundings & { readonly held: ReadonlyMap<string, HeldView> },
): Wait {
  const { now, view, queued, queues, messages, held } = around;
  const task = run.taskOf(instance);
  const { queue } = task;
  const key = attemptKey(run.idOf({ instance, attempt }));
  const holder = held.get(key);
  if (holder !== undefined) {
    const timeoutMs = run.timeoutMsOf(task);
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    return { kind: "running", worker: holder.workerId, sinceMs: holder.sinceMs, ...limit };
  }
  if (dueAt > now) {
    const when = { until: dueAt, forMs: dueAt - now };
    if (!run.looksAgain(instance)) return { kind: "back-off", ...when };
    return { kind: "looking", ...when, found: messages.get(instance) ?? "" };
  }
  const obstacle = view === undefined ? undefined : queueObstacle(view, queue, [task.type]);
  if (queued.has(key)) return obstacle ?? inQueue(queue, queues.get(queue));
  if (view === undefined || !view.shares.includes(shareOf(run.partition))) return { kind: "no-executor" };
  if (view.waits !== undefined) return { kind: "server", why: view.waits };
  if (obstacle !== undefined) return obstacle;
  const { maxParallel } = run.graph.dag;
  if (maxParallel !== undefined && queued.size >= maxParallel) {
    return { kind: "max-parallel", limit: maxParallel };
  }
  return inWindow(view.queues.find((each) => each.queue === queue));
}

function inQueue(queue: string, state: QueueState | undefined): Wait {
  const { waiting = 0, inFlight = 0, limit = Number.POSITIVE_INFINITY } = state ?? {};
  if (inFlight >= limit) return { kind: "queue-limit", queue, limit, waiting };
  return { kind: "queued", queue, waiting, inFlight };
}

function inWindow(queue: QueueView | undefined): Wait {
  if (queue === undefined || queue.queued < queue.window) return { kind: "turn" };
  const { window, depth, queued } = queue;
  return { kind: "window", queue: queue.queue, window, before: depth - queued };
}

function upstreamOf(run: RunFold, position: number): Wait {
  return { kind: "upstream", positions: pendingParents(run, position) };
}

function pendingParents(run: RunFold, position: number): number[] {
  return [...run.graph.parentsOf(position)].filter((parent) => !run.instances.hasEnded(parent));
}

export function isUnfinished(run: RunFold, instance: number): boolean {
  const state = run.instances.state(instance);
  return state === "pending" || state === "retrying";
}

function heldBy(runId: string, view: ClusterView | undefined): Map<string, HeldView> {
  const own = (view?.held ?? []).filter((held) => held.runId === runId);
  return new Map(own.map((held) => [attemptKey(held), held]));
}
