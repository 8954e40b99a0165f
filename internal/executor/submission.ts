/** Accepts runs: checks what the caller chose, stores what goes by reference, and writes `submitted`. */
import { SEMANTICS, type Submitted } from "../core/facts.ts";
import { partitionOf } from "../core/hash.ts";
import type { JsonObject } from "../core/json.ts";
import { SUBMIT_BELOW } from "../core/retention.ts";
import { isRunId, RUN_ID_RULE } from "../core/run-id.ts";
import { isLargerThan } from "../core/size.ts";
import type { RunResult } from "../core/result.ts";
import { encodeValue, type Stored } from "../core/stored.ts";
import type { RunKey } from "../ports/run-log.ts";
import { CALLER_WAITS_MS, NotStored } from "../ports/storing.ts";
import { BadInput, type DagRun, LogFull } from "./executor.ts";
import { inputOfRun } from "./run-input.ts";
import type { ExecutorSettings, Ports } from "./settings.ts";

export interface Admission {
  readonly runId: string;
  readonly partition: number;
  /** Writes the run into the log; resolves with its position. Rejects with `BadInput` when the id was used before, with `LogFull`, and with `NotStored` when the server takes nothing now. */
  admit(): Promise<number>;
}

/** What a submission needs of the world. */
export type SubmissionOptions = Pick<Ports, "log" | "definitions" | "blobs" | "random"> &
  Pick<ExecutorSettings, "taskTimeoutMs" | "lossCap" | "fanOutLimit" | "inlineLimit">;

/** Checks and names the run; nothing is written before `admit`. Throws `BadInput`. */
export function prepareRun(run: DagRun, options: SubmissionOptions): Admission {
  const runId = run.runId ?? options.random.id();
  if (!isRunId(runId)) throw new BadInput(`run id '${runId}' is not allowed: use ${RUN_ID_RULE}`);
  const tenantId = run.tenantId ?? run.dag.tenantId;
  const partition = partitionOf(tenantId, run.dag.name);
  const named = { run, runId, tenantId, partition, params: inputOfRun(run) };
  return { runId, partition, admit: () => admit(named, options) };
}

/** The result of a run that was called off before it was submitted. */
export function calledOff({ runId }: Pick<Admission, "runId">, { dag }: DagRun): RunResult {
  const error = { reason: "cancelled", message: "called off before it was submitted" } as const;
  const task = { state: "cancelled", attempts: 0, error } as const;
  const tasks = Object.fromEntries(dag.tasks.map(({ id }) => [id, task]));
  return { runId, dag: dag.name, state: "cancelled", durationMs: 0, message: error.message, tasks };
}

interface Named {
  readonly run: DagRun;
  readonly runId: string;
  readonly tenantId: string;
  readonly partition: number;
  readonly params: JsonObject;
}

async function admit(named: Named, options: SubmissionOptions): Promise<number> {
  const { run, runId, tenantId, partition, params } = named;
  const { log, definitions, random, taskTimeoutMs, lossCap, fanOutLimit } = options;
  const what = `run '${runId}'`;
  await checkRoom(what, options);
  if (run.runId !== undefined) await notYet(what, refuseUsedId({ runId, partition }, options));
  const nonce = random.id();
  const submitted: Submitted = {
    kind: "submitted",
    dagName: run.dag.name,
    tenantId,
    definition: await notYet(what, definitions.put(run.dag)),
    params: await notYet(what, storedParams(params, { runId, nonce }, options)),
    defaults: {
      lossCap,
      ...(taskTimeoutMs === undefined ? {} : { taskTimeoutMs }),
      ...(fanOutLimit === undefined ? {} : { fanOutLimit }),
    },
    semantics: SEMANTICS,
    nonce,
  };
  const answer = await told(what, log.append({ runId, partition }, submitted, { withinMs: CALLER_WAITS_MS }));
  return answer.stored ? answer.seq : ownWrite(submitted, runId, options);
}

/** Who asked for something is told of that, not of the message that it was made of. */
export function told<T>(what: string, stored: Promise<T>, mayBeStored = true): Promise<T> {
  return stored.catch((error: unknown) => {
    if (!(error instanceof NotStored)) throw error;
    throw new NotStored({ what, why: error.why, isOpen: mayBeStored && error.isOpen });
  });
}

/** What comes before may be stored: without the fact after it, it is nothing. */
function notYet<T>(what: string, stored: Promise<T>): Promise<T> {
  return told(what, stored, false);
}

/** What is begun while there is room is ended without looking. Rejects with `LogFull`, and with `NotStored` when nobody tells. */
export async function checkRoom(what: string, { log }: Pick<Ports, "log">): Promise<void> {
  const { fill } = await notYet(what, log.end({ withinMs: CALLER_WAITS_MS }));
  if (fill >= SUBMIT_BELOW) throw new LogFull(fill);
}

/**
 * The same id must not live in two partitions, where the log itself cannot tell: the first to claim it says which
 * partition it is for.
 */
async function refuseUsedId(
  { runId, partition }: RunKey,
  { log, blobs }: Pick<Ports, "log" | "blobs">,
): Promise<void> {
  if ((await log.factsOf(runId)).length > 0) throw usedBefore(runId);
  const claim = await blobs.within(CALLER_WAITS_MS).put({ runId }, "claim", Uint8Array.of(partition));
  const [first] = await blobs.get({ runId }, claim);
  if (first !== partition) throw usedBefore(runId);
}

/** Refused: either a repeated write of ours was stored before, or the id is somebody else's. */
async function ownWrite({ nonce }: Submitted, runId: string, { log }: Pick<Ports, "log">): Promise<number> {
  const [first] = await log.factsOf(runId);
  if (first?.fact.kind === "submitted" && first.fact.nonce === nonce) return first.seq;
  throw usedBefore(runId);
}

export function usedBefore(runId: string): BadInput {
  return new BadInput(`run id '${runId}' was used before: choose another, or leave it out to get a new one`);
}

async function storedParams(
  params: JsonObject,
  { runId, nonce }: { readonly runId: string; readonly nonce: string },
  { blobs, inlineLimit }: Pick<SubmissionOptions, "blobs" | "inlineLimit">,
): Promise<Stored<JsonObject>> {
  if (!isLargerThan(params, inlineLimit)) return { inline: params };
  const name = `params-${nonce}`;
  return { ref: await blobs.within(CALLER_WAITS_MS).put({ runId }, name, encodeValue(params)) };
}
