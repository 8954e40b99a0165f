/** Accepts runs: checks what the caller chose, stores what goes by reference, and writes `submitted`. */
import { SEMANTICS, type Submitted } from "../core/facts.ts";
import { partitionOf } from "../core/hash.ts";
import type { JsonObject } from "../core/json.ts";
import { isLargerThan } from "../core/size.ts";
import { encodeValue, type Stored } from "../core/stored.ts";
import { BadInput, type DagRun } from "./executor.ts";
import type { ExecutorSettings, Ports } from "./settings.ts";

const RUN_ID = /^[A-Za-z0-9_-]{1,128}$/;

export interface Admission {
  readonly runId: string;
  readonly partition: number;
  /** Writes the run into the log; resolves with its position. Rejects with `BadInput` when the id was used before. */
  admit(): Promise<number>;
}

/** Checks and names the run; nothing is written before `admit`. */
export function prepareRun(run: DagRun, options: Ports & ExecutorSettings): Admission {
  const runId = run.runId ?? options.random.id();
  if (!RUN_ID.test(runId)) {
    throw new BadInput(`run id '${runId}' is not allowed: use 1 to 128 of A-Z a-z 0-9 _ -`);
  }
  const tenantId = run.tenantId ?? run.dag.tenantId;
  const partition = partitionOf(tenantId, run.dag.name);
  return { runId, partition, admit: () => admit({ run, runId, tenantId, partition }, options) };
}

interface Named {
  readonly run: DagRun;
  readonly runId: string;
  readonly tenantId: string;
  readonly partition: number;
}

async function admit(named: Named, options: Ports & ExecutorSettings): Promise<number> {
  const { run, runId, tenantId, partition } = named;
  const { log, definitions, random, taskTimeoutMs, lossCap } = options;
  if (run.runId !== undefined) await refuseUsedId(runId, options);
  const submitted: Submitted = {
    kind: "submitted",
    dagName: run.dag.name,
    tenantId,
    definition: await definitions.put(run.dag),
    params: await storedParams({ ...run.dag.params, ...run.params }, runId, options),
    defaults: { lossCap, ...(taskTimeoutMs === undefined ? {} : { taskTimeoutMs }) },
    semantics: SEMANTICS,
    nonce: random.id(),
  };
  const answer = await log.append({ runId, partition }, submitted);
  return answer.stored ? answer.seq : ownWrite(submitted, runId, options);
}

/** The same id must not live in two partitions, where the log itself cannot tell. */
async function refuseUsedId(runId: string, { log }: Ports): Promise<void> {
  if ((await log.factsOf(runId)).length > 0) throw usedBefore(runId);
}

/** Refused: either a repeated write of ours was stored before, or the id is somebody else's. */
async function ownWrite({ nonce }: Submitted, runId: string, { log }: Ports): Promise<number> {
  const [first] = await log.factsOf(runId);
  if (first?.fact.kind === "submitted" && first.fact.nonce === nonce) return first.seq;
  throw usedBefore(runId);
}

export function usedBefore(runId: string): BadInput {
  return new BadInput(`run id '${runId}' was used before: choose another, or leave it out to get a new one`);
}

async function storedParams(
  params: JsonObject,
  runId: string,
  { blobs, inlineLimit }: Ports & ExecutorSettings,
): Promise<Stored<JsonObject>> {
  if (!isLargerThan(params, inlineLimit)) return { inline: params };
  return { ref: await blobs.put({ runId }, "params", encodeValue(params)) };
}
