/** Waits until something of a run is over that somebody else drives. */
import type { RunFold } from "../core/run-fold.ts";
import { FollowedRun } from "./followed-run.ts";
import { factsOfRun, foldOf } from "./load-run.ts";
import type { Ports } from "./settings.ts";

type WatchPorts = Pick<Ports, "log" | "history" | "definitions">;

export interface WatchedRun {
  /** As it was when it was asked for. */
  readonly run: RunFold;
  /** Resolves as soon as `isOver` says so of the run, and when the signal is aborted. */
  when(isOver: (run: RunFold) => boolean, signal: AbortSignal): Promise<void>;
}

/** `undefined` when the run is unknown. Rejects with `HistoryGone`. */
export async function watchedRun(runId: string, ports: WatchPorts): Promise<WatchedRun | undefined> {
  const facts = await factsOfRun(runId, ports);
  const run = await foldOf(facts, ports);
  if (run === undefined) return undefined;
  const known = facts.at(-1)?.seq ?? 0;
  return {
    run,
    when: async (isOver, signal) => {
      if (!isOver(run)) await wait({ run, known, isOver, signal }, ports);
    },
  };
}

async function wait(
  {
    run: { runId, seq },
    known,
    isOver,
    signal,
  }: {
    readonly run: RunFold;
    /** Position of the newest fact that it was made of. */
    readonly known: number;
    readonly signal: AbortSignal;
    isOver(run: RunFold): boolean;
  },
  { log, definitions }: WatchPorts,
): Promise<void> {
  let end = (): void => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const over = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  // An end from before a retry is none.
  const fold = new FollowedRun(definitions, (followed, _change, logged) => {
    if (logged.seq > known && isOver(followed)) end();
  });
  const onRewound = (): void => fail(new Error("the log was put back to an older state: look again"));
  const follower = await log.follow({ from: seq, runId, onRewound }, (fact) => {
    fold.take(fact).catch(fail);
  });
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  try {
    await over;
  } finally {
    signal.removeEventListener("abort", end);
    await follower.stop();
  }
}
