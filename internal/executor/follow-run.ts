/** Watches a run that somebody else submitted, to its end; takes no part in driving it. */
import type { RunResult } from "../core/result.ts";
import type { Dag } from "../core/model.ts";
import type { ClusterView } from "../core/cluster-view.ts";
import { type Observer, safely } from "../ports/observer.ts";
import { FollowedRun } from "./followed-run.ts";
import { factsOfRun, foldOf } from "./load-run.ts";
import { endResult, runResult } from "./run-result.ts";
import { RunReport } from "./run-report.ts";
import { RunWatch } from "./run-watch.ts";
import type { Ports, RunListener } from "./settings.ts";

type FollowPorts = Pick<Ports, "log" | "history" | "definitions" | "blobs" | "presence" | "clock">;

export interface FollowRunOptions {
  readonly runId: string;
  /** Hears what has happened so far, and what goes on; only of a run that has not ended. */
  observerFor(dag: Dag): Observer;
  /** Who holds what just now, if anybody could be asked. */
  readonly view: ClusterView | undefined;
  /** Ends the watching: the result is then rejected with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Resolves when the run has ended; `undefined` when it is unknown. */
export async function followRun(
  { runId, observerFor, view, signal }: FollowRunOptions,
  ports: FollowPorts,
): Promise<{ readonly dag: Dag; readonly result: RunResult } | undefined> {
  const facts = await factsOfRun(runId, ports);
  const run = await foldOf(facts, ports);
  if (run === undefined) return undefined;
  const { dag } = run.graph;
  if (run.end !== undefined) {
    return { dag, result: await runResult(run, facts, { ...ports, now: run.endedAt }) };
  }
  const observer = safely(observerFor(dag));
  const report = new RunReport(observer);
  const tellHeld = (): void => {
    for (const held of view?.held ?? []) {
      if (held.runId !== runId) continue;
      observer.observe({ kind: "attempt-started", attempt: held, workerId: held.workerId });
    }
  };
  const watch = new RunWatch(run);
  const onRun: RunListener = (followed, change, logged) => {
    report.tell(followed, change, logged);
    // After what has happened so far comes what goes on just now.
    if (logged.seq === facts.at(-1)?.seq) tellHeld();
    if (followed.end === undefined || followed.gen < watch.gen) return;
    endResult(followed, logged, ports).then(
      (result) => watch.end(result),
      (error: unknown) => watch.fail(error),
    );
  };
  const onRewound = (): void => watch.fail(new Error(`the log was put back to an older state: look again`));
  const fold = new FollowedRun(ports.definitions, onRun);
  const follower = await ports.log.follow({ from: run.seq, runId, onRewound }, (fact) => {
    fold.take(fact).catch((error: unknown) => watch.fail(error));
  });
  const notices = await ports.presence.watch({
    heartbeat: () => undefined,
    reconnected: () => undefined,
    took: ({ attempts, workerId }) => {
      for (const attempt of attempts) {
        if (attempt.runId === runId) observer.observe({ kind: "attempt-started", attempt, workerId });
      }
    },
  });
  const abort = (): void => watch.fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return { dag, result: await watch.result };
  } finally {
    signal.removeEventListener("abort", abort);
    await follower.stop();
    await notices.stop();
  }
}
