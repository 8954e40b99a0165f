/** Sees a run that this process drives, or helps to drive, to its end. */
import type { Dag } from "../../internal/core/model.ts";
import type { RunResult } from "../../internal/core/result.ts";
import type { RunHandle } from "../../internal/executor/executor.ts";
import type { NextStep } from "../../internal/telemetry/summary.ts";
import { counted } from "../../internal/telemetry/text.ts";
import type { LibraryExecutor } from "../library/library-executor.ts";
import { missing, nextSteps, type RunPlace } from "./advice.ts";
import { Interrupts } from "./interrupts.ts";
import { RunView } from "./run-view.ts";

export interface Driven {
  readonly dag: Dag;
  createExecutor(view: RunView): LibraryExecutor;
  begin(executor: LibraryExecutor): Promise<RunHandle>;
  readonly advice: RunPlace;
}

/** What a program adds that runs the command as a part of its own. */
export interface RunHooks {
  /** Rejects when the run can no longer come to an end. */
  readonly broken?: Promise<never>;
  /** What to try next, instead of the command's own advice. */
  next?(result: RunResult): readonly NextStep[];
}

const INTERRUPTED = 130;
/** After this we tell what we wait for. */
const PATIENCE_MS = 500;

/** Resolves with the exit code. Ctrl-C cancels the run. */
export async function drive(
  { dag, createExecutor, begin, advice }: Driven,
  flags: { readonly json: boolean; readonly live: boolean },
  hooks: RunHooks = {},
): Promise<number> {
  const view = new RunView({ dag, ...flags });
  const executor = createExecutor(view);
  const interrupts = new Interrupts(() => {
    view.say("interrupted: cancelling the run (Ctrl-C once more leaves at once)");
  });
  try {
    await executor.start();
    if (advice.cluster !== undefined) view.watch(() => missing(dag, executor.look()));
    const handle = await begin(executor);
    const ending = cancelledBy(interrupts.signal, handle, executor);
    const result = await (hooks.broken === undefined ? ending : Promise.race([ending, hooks.broken]));
    view.end(result, hooks.next?.(result) ?? nextSteps(result, advice));
    if (interrupts.signal.aborted) return INTERRUPTED;
    return result.state === "completed" ? 0 : 1;
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    view.say(`the run could not be cancelled: ${error instanceof Error ? error.message : String(error)}`);
    return INTERRUPTED;
  } finally {
    view.clear();
    const telling = tellWhoStays(executor, view);
    await executor.stop();
    clearTimeout(telling);
    interrupts.stop();
  }
}

/** The run is over; its last attempts may still be ending. */
function tellWhoStays(executor: LibraryExecutor, view: RunView): NodeJS.Timeout {
  return setTimeout(() => {
    const left = executor.runningHere();
    if (left > 0) view.say(`waiting for ${counted(left, "task")} to end (Ctrl-C leaves at once)`);
  }, PATIENCE_MS);
}

async function cancelledBy(
  signal: AbortSignal,
  handle: RunHandle,
  executor: LibraryExecutor,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const cancel = (): void => void executor.cancel(handle.runId).catch(reject);
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    handle.result().then(resolve, reject);
  });
}
