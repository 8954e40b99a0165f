/** What a fault test has in hand when all is over: what the tasks wrote themselves, and what was done to the cluster. */
import type { RunEndState } from "../../../internal/core/facts.ts";
import type { Dag } from "../../../internal/core/model.ts";

/** One line of the ground truth: a task writes one when it starts and one when it ends, whoever may be dead by then. */
export interface TruthLine {
  readonly event: "start" | "end";
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly worker: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Names this execution; its output carries it on to what depends on it. */
  readonly token: string;
  /** Of a start: the tokens that came with the outputs of its upstream tasks, by task. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Of an end. */
  readonly how?: "completed" | "failed" | "stopped";
}

/** One execution of an attempt. */
export interface Execution {
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly worker: string;
  readonly token: string;
  readonly startedAt: number;
  readonly inputs: Readonly<Record<string, string>>;
  /** Absent when its process ended before it did. */
  readonly end?: { readonly at: number; readonly how: "completed" | "failed" | "stopped" };
}

export type FaultKind =
  | "worker killed"
  | "worker frozen"
  | "worker cut off"
  | "worker drained"
  | "executor killed"
  | "executor frozen"
  | "server killed";

/** What was done, to whom and from when to when, in milliseconds since 1970. */
export interface Fault {
  readonly kind: FaultKind;
  readonly target: string;
  readonly from: number;
  /** Absent for what lasts. */
  to?: number;
}

/** A run as it was submitted, and how it has to end: one of these. */
export interface SubmittedRun {
  readonly runId: string;
  readonly dag: Dag;
  readonly mayEndAs: readonly RunEndState[];
}

/** The lines as they stand in the file; a last one that is half written is left out. */
export function readTruth(text: string): TruthLine[] {
  const lines = text.split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as TruthLine);
}

/** In the order of their starts. */
export function executionsOf(lines: readonly TruthLine[]): Execution[] {
  const ends = new Map(lines.filter(({ event }) => event === "end").map((line) => [line.token, line]));
  return lines
    .filter(({ event }) => event === "start")
    .map(({ run, task, attempt, worker, token, time, inputs = {} }) => {
      const end = ends.get(token);
      const ended = end?.how === undefined ? {} : { end: { at: end.time, how: end.how } };
      return { run, task, attempt, worker, token, startedAt: time, inputs, ...ended };
    })
    .toSorted((a, b) => a.startedAt - b.startedAt);
}

/** `Map.groupBy`, which Node 20 does not have. */
export function grouped<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
