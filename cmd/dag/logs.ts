/** `dag logs RUN [TASK]`: what the tasks of a run printed and logged, also while they run. */
import type { Settings } from "../../internal/config/load.ts";
import { LogLines } from "../../internal/core/log-lines.ts";
import { LogMerge } from "../../internal/core/log-merge.ts";
import type { LogBatch } from "../../internal/core/attempt-log.ts";
import { isUnfinished } from "../../internal/core/waiting.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { type WatchedRun, watchedRun } from "../../internal/executor/run-over.ts";
import { systemClock } from "../../internal/memory/system.ts";
import type { LogsOf } from "../../internal/ports/attempt-logs.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { type OpenCluster, withCluster } from "./cluster.ts";
import { positionOf } from "./explain.ts";
import { Interrupts } from "./interrupts.ts";
import { LogPrinter, nameOf } from "./log-printer.ts";
import { unknownRun } from "./look.ts";
import { print, readerGone } from "./stdout.ts";
import { UsageError } from "./usage-error.ts";

export interface LogsFlags {
  readonly json: boolean;
  readonly attempt?: string;
  readonly follow?: boolean;
  readonly timestamps?: boolean;
}

interface Asked {
  readonly flags: LogsFlags;
  readonly watched: WatchedRun;
  readonly task: string | undefined;
  readonly attempt: number | undefined;
}

const INTERRUPTED = 130;
/** A line that has no end yet is shown after so long. */
const OPEN_MS = 500;
/** What was printed last may be stored a moment after the outcome. */
const SETTLING_MS = 250;
/** Names of tasks that are longer stand out. */
const MAX_NAME = 24;

export async function logs(
  flags: LogsFlags,
  settings: Settings,
  [runId = "", task]: readonly string[],
): Promise<number> {
  const attempt = attemptOf(flags);
  return withCluster(settings, async (cluster) => {
    const watched = await watchedRun(runId, cluster);
    if (watched === undefined) throw unknownRun(runId);
    const asked: Asked = { flags, watched, task, attempt };
    checkAsked(asked);
    return flags.follow === true ? follow(asked, cluster) : show(asked, cluster);
  });
}

function attemptOf({ attempt: text }: LogsFlags): number | undefined {
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new UsageError(`--attempt: '${text}' is not allowed: use a whole number from 1 up`);
}

function checkAsked({ flags, watched: { run }, task, attempt }: Asked): void {
  if (task === undefined) return;
  const had = run.instances.attempt(positionOf(task, run));
  if (attempt === undefined || attempt <= had || flags.follow === true) return;
  const attempts = had === 0 ? "no attempt yet" : `attempts 1 to ${had}`;
  throw new UsageError(`task '${task}' of run '${run.runId}' has had ${attempts}: there is no ${attempt}`);
}

async function show(asked: Asked, cluster: OpenCluster): Promise<number> {
  const lines = new LogLines();
  const merge = new LogMerge(lines);
  const printer = printerOf(asked);
  await cluster.logs.read(whichOf(asked), (batch) => {
    if (isOfRun(batch, asked) && !readerGone()) printer.print(merge.take(batch));
  });
  printer.print(merge.end());
  printer.end();
  await tellWhatIsGone(asked, printer, cluster);
  return 0;
}

async function follow(asked: Asked, cluster: OpenCluster): Promise<number> {
  const { watched, task, attempt } = asked;
  const lines = new LogLines();
  const printer = printerOf(asked);
  // What is there already is put in order; what comes is shown as it comes.
  let merge: LogMerge | undefined = new LogMerge(lines);
  const interrupts = new Interrupts(() => process.stderr.write("dag: interrupted: the run goes on\n"));
  const leaving = new AbortController();
  interrupts.signal.addEventListener("abort", () => leaving.abort());
  const follower = await cluster.logs.follow(whichOf(asked), {
    batch: (batch) => {
      if (isOfRun(batch, asked)) printer.print(merge === undefined ? lines.take(batch) : merge.take(batch));
    },
    caughtUp: () => {
      if (merge !== undefined) printer.print(merge.end());
      merge = undefined;
    },
  });
  const ticking = setInterval(() => {
    if (readerGone()) leaving.abort();
    if (merge === undefined) printer.print(lines.openLines(systemClock.now() - OPEN_MS));
  }, OPEN_MS);
  try {
    const position = task === undefined ? undefined : positionOf(task, watched.run);
    await watched.when((run) => isOver(run, position, attempt), leaving.signal);
    if (!leaving.signal.aborted) await settle(follower);
  } finally {
    clearInterval(ticking);
    interrupts.stop();
    await follower.stop();
  }
  printer.print(merge?.end() ?? lines.openLines());
  printer.end();
  if (interrupts.signal.aborted) return INTERRUPTED;
  if (!leaving.signal.aborted) await tellWhatIsGone(asked, printer, cluster);
  return 0;
}

async function settle(follower: { reached(): Promise<void> }): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
  await follower.reached();
}

function isOver(run: RunFold, position: number | undefined, attempt: number | undefined): boolean {
  if (run.end !== undefined || position === undefined) return run.end !== undefined;
  if (!isUnfinished(run, position)) return true;
  return attempt !== undefined && run.instances.attempt(position) > attempt;
}

function whichOf({ watched: { run }, task, attempt }: Asked): LogsOf {
  return {
    runId: run.runId,
    ...(task === undefined ? {} : { task }),
    ...(attempt === undefined ? {} : { attempt }),
  };
}

/** Not of another one that had the same id once. */
function isOfRun({ attempt }: LogBatch, { watched: { run } }: Asked): boolean {
  return attempt.runSeq === run.seq;
}

function printerOf({ flags, watched: { run }, task, attempt }: Asked): LogPrinter {
  const { tasks } = run.graph.dag;
  const isNamed = task === undefined && tasks.length > 1;
  const longest = Math.max(
    ...tasks.map(({ id }) => nameOf({ runId: "", task: id, index: 0, attempt: 1 }).length),
  );
  return new LogPrinter({
    json: flags.json,
    isTerminal: process.stdout.isTTY,
    ...(isNamed ? { nameWidth: Math.min(MAX_NAME, longest) } : {}),
    timestamps: flags.timestamps === true,
    marksAttempts: attempt === undefined,
    write: (text) => {
      if (!readerGone()) print(text);
    },
  });
}

/** On stderr, for who wonders that there is nothing, or not all. */
async function tellWhatIsGone(
  { flags, watched: { run }, task }: Asked,
  { printed }: LogPrinter,
  { logs: store }: OpenCluster,
): Promise<void> {
  const say = (text: string): void => void process.stderr.write(`dag: ${text}\n`);
  const since = await store.since();
  const mayBeGone = since !== undefined && since > run.submittedAt;
  const what = task === undefined ? `run '${run.runId}'` : `task '${task}' of run '${run.runId}'`;
  if (mayBeGone) {
    const rest = printed === 0 ? `nothing is kept of what ${what} printed, if it did` : "older logs are gone";
    say(`${rest}: what is kept goes back to ${localTime(since)} (--logs-age, --logs-bytes of the executor)`);
  } else if (printed === 0) {
    const hint = flags.follow === true || run.end !== undefined ? "" : "; -f waits for more";
    say(`${what} has printed nothing${run.end === undefined ? " yet" : ""}${hint}`);
  }
}
