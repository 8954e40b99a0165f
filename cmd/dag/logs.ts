/** `dag logs RUN [TASK]`: what the tasks of a run printed and logged, also while they run. */
import type { Settings } from "../../internal/config/load.ts";
import type { AttemptId } from "../../internal/core/attempt.ts";
import { instanceName } from "../../internal/core/instance-name.ts";
import { LogLines } from "../../internal/core/log-lines.ts";
import { LogMerge } from "../../internal/core/log-merge.ts";
import type { LogBatch } from "../../internal/core/attempt-log.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { type WatchedRun, watchedRun } from "../../internal/executor/run-over.ts";
import { systemClock } from "../../internal/memory/system.ts";
import type { LogsOf } from "../../internal/ports/attempt-logs.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { type OpenCluster, withCluster } from "./cluster.ts";
import { instanceOf, type Which } from "./explain.ts";
import { nameOf } from "./explain-text.ts";
import { Interrupts } from "./interrupts.ts";
import { type LogNames, LogPrinter } from "./log-printer.ts";
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
  /** Absent for all of the run. */
  readonly which: Which | undefined;
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
    const which = task === undefined ? undefined : instanceOf(task, watched.run);
    const asked: Asked = { flags, watched, which, attempt };
    checkAsked(asked);
    return flags.follow === true ? follow(asked, cluster) : show(asked, cluster);
  });
}

function attemptOf({ attempt: text }: LogsFlags): number | undefined {
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new UsageError(`--attempt: '${text}' is not allowed: use a whole number from 1 up`);
}

function checkAsked({ flags, watched: { run }, which, attempt }: Asked): void {
  if (which === undefined) return;
  const numbers = which.instance === undefined ? run.instances.of(which.position) : [which.instance];
  const had = numbers.reduce((most, each) => Math.max(most, run.instances.attempt(each)), 0);
  if (attempt === undefined || attempt <= had || flags.follow === true) return;
  const attempts = had === 0 ? "no attempt yet" : `attempts 1 to ${had}`;
  throw new UsageError(`${named(which, run)} has had ${attempts}: there is no ${attempt}`);
}

function named({ position, instance }: Which, run: RunFold): string {
  const name = instance === undefined ? run.task(position).id : nameOf(instance, run);
  return `task '${name}' of run '${run.runId}'`;
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
  const { watched, which, attempt } = asked;
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
    await watched.when((run) => isOver(run, which, attempt), leaving.signal);
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

function isOver(run: RunFold, which: Which | undefined, attempt: number | undefined): boolean {
  if (run.end !== undefined || which === undefined) return run.end !== undefined;
  const { position, instance } = which;
  const { instances } = run;
  if (instance === undefined && instances.countOf(position) > 1) return instances.hasEnded(position);
  const one = instance ?? position;
  return !instances.isUnfinished(one) || (attempt !== undefined && instances.attempt(one) > attempt);
}

function whichOf({ watched: { run }, which, attempt }: Asked): LogsOf {
  const { instance } = which ?? {};
  return {
    runId: run.runId,
    ...(which === undefined ? {} : { task: run.task(which.position).id }),
    ...(instance === undefined ? {} : { index: run.instances.indexOf(instance) }),
    ...(attempt === undefined ? {} : { attempt }),
  };
}

/** Not of another one that had the same id once. */
function isOfRun({ attempt }: LogBatch, { watched: { run } }: Asked): boolean {
  return attempt.runSeq === run.seq;
}

function printerOf({ flags, watched: { run }, which, attempt }: Asked): LogPrinter {
  const names = namesOf(run, which);
  return new LogPrinter({
    json: flags.json,
    isTerminal: process.stdout.isTTY,
    ...(names === undefined ? {} : { names }),
    timestamps: flags.timestamps === true,
    marksAttempts: attempt === undefined,
    write: (text) => {
      if (!readerGone()) print(text);
    },
  });
}

/** Nothing where all is of one instance. */
function namesOf(run: RunFold, which: Which | undefined): LogNames | undefined {
  const { tasks } = run.graph.dag;
  const positions = which === undefined ? tasks.map((_task, i) => i) : [which.position];
  const [first = 0] = positions;
  const isOne = which?.instance !== undefined || !mayHaveSeveral(run, first);
  if (positions.length === 1 && isOne) return undefined;
  const of = (attempt: Pick<AttemptId, "task" | "index">): string =>
    instanceName(attempt, { isOneOfSeveral: mayHaveSeveral(run, run.graph.position(attempt.task) ?? 0) });
  const longest = positions.reduce((most, each) => {
    const last = { task: run.task(each).id, index: run.instances.countOf(each) - 1 };
    return Math.max(most, of(last).length);
  }, 0);
  return { width: Math.min(MAX_NAME, longest), of };
}

/** It has several instances, or nobody knows yet, as it may be launched while it is followed. */
function mayHaveSeveral(run: RunFold, position: number): boolean {
  const { fanMode } = run.task(position);
  const isToCome = run.end === undefined && !run.instances.wasBegun(position);
  return (
    run.instances.countOf(position) > 1 || (isToCome && fanMode !== undefined && fanMode !== "aggregate")
  );
}

/** On stderr, for who wonders that there is nothing, or not all. */
async function tellWhatIsGone(
  { flags, watched: { run }, which }: Asked,
  { printed }: LogPrinter,
  { logs: store }: OpenCluster,
): Promise<void> {
  const say = (text: string): void => void process.stderr.write(`dag: ${text}\n`);
  const since = await store.since();
  const mayBeGone = since !== undefined && since > run.submittedAt;
  const what = which === undefined ? `run '${run.runId}'` : named(which, run);
  if (mayBeGone) {
    const rest = printed === 0 ? `nothing is kept of what ${what} printed, if it did` : "older logs are gone";
    say(`${rest}: what is kept goes back to ${localTime(since)} (--logs-age, --logs-bytes of the executor)`);
  } else if (printed === 0) {
    const hint = flags.follow === true || run.end !== undefined ? "" : "; -f waits for more";
    say(`${what} has printed nothing${run.end === undefined ? " yet" : ""}${hint}`);
  }
}
