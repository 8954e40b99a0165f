/** Makes a queued attempt of an owed one: joins the task's definition with the outputs of its direct upstream. */
import { toRecord } from "../core/artifact-record.ts";
import type { GivenArtifacts, Inputs, Work } from "../core/attempt.ts";
import type { InstanceInput } from "../core/fan-out.ts";
import type { JsonObject } from "../core/json.ts";
import type { Task } from "../core/model.ts";
import type { Outcome } from "../core/outcome.ts";
import { hash32 } from "../core/hash.ts";
import type { RunFold } from "../core/run-fold.ts";
import { isLargerThan } from "../core/size.ts";
import { encodeText, type Stored } from "../core/stored.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { RunLog } from "../ports/run-log.ts";
import type { Due } from "./fair-queue.ts";

export interface WorkBuilderOptions {
  readonly log: RunLog;
  readonly blobs: Blobs;
  /** Inputs above this many characters of JSON go by reference. */
  readonly inlineLimit: number;
  /** Log time until which nobody else enqueues attempts of this run. */
  trustedUntil(run: RunFold): number;
}

export class WorkBuilder {
  readonly #options: WorkBuilderOptions;

  constructor(options: WorkBuilderOptions) {
    this.#options = options;
  }

  /** At once where nothing has to be fetched or stored. */
  build(run: RunFold, owed: Due): Work | Promise<Work> {
    const position = run.instances.positionOf(owed.instance);
    // What several instances hand over is known by their artifacts.
    const parents = run.graph
      .parentsOf(position)
      .filter((parent) => run.instances.hasOutput(parent) && run.instances.countOf(parent) === 1);
    const given = run.artifacts.inputOf(owed.instance);
    const inputs = {
      run: run.submitted.params,
      own: run.task(position).params,
      upstream: [] as Inputs["upstream"],
      ...(given === undefined ? {} : { artifacts: givenArtifacts(given) }),
    };
    if (parents.length === 0 && !this.#isLarge(inputs)) return this.#toWork(run, owed, { inline: inputs });
    return this.#buildWithUpstream(run, owed, { ...inputs, upstream: this.#outputsOf(run, parents) });
  }

  async #buildWithUpstream(
    run: RunFold,
    owed: Due,
    parts: Omit<Inputs, "upstream"> & { upstream: Promise<Inputs["upstream"]> },
  ): Promise<Work> {
    const inputs: Inputs = { ...parts, upstream: await parts.upstream };
    if (!this.#isLarge(inputs)) return this.#toWork(run, owed, { inline: inputs });
    const text = JSON.stringify(inputs);
    // A name keeps its first bytes, and a log that was put back may have other inputs for the same attempt.
    const { task, index } = run.idOf(owed);
    const name = `in-${task}-${index}-${owed.attempt}-${hash32(text).toString(36)}`;
    const ref = await this.#options.blobs.put({ runId: run.runId }, name, encodeText(text));
    return this.#toWork(run, owed, { ref });
  }

  /** Outputs are kept in the log, not in memory; the log's adapter has the recent ones at hand. */
  async #outputsOf(run: RunFold, parents: Iterable<number>): Promise<Inputs["upstream"]> {
    const positions = [...parents];
    const seqs = new Set(positions.map((position) => run.instances.outcomeSeq(position)));
    const items = new Map<string, Outcome>();
    for (const { fact } of await this.#options.log.read([...seqs])) {
      if (fact.kind !== "outcomes") continue;
      for (const item of fact.items) items.set(`${item.task}.${item.attempt}`, item);
    }
    return positions.flatMap((position): [string, Stored<JsonObject>][] => {
      const task = run.task(position).id;
      const output = items.get(`${task}.${run.instances.attempt(position)}`)?.output;
      return output === undefined ? [] : [[task, output]];
    });
  }

  #isLarge(inputs: Inputs): boolean {
    return isLargerThan(inputs as unknown as JsonObject, this.#options.inlineLimit);
  }

  #toWork(run: RunFold, owed: Due, inputs: Stored<Inputs>): Work {
    const task = run.taskOf(owed.instance);
    const timeoutMs = run.timeoutMsOf(task);
    const { outputs, bindings, hasExpressions, edgeFilters } = task;
    // Field by field: what begins with a spread has to grow, and is slow to write and to read from then on.
    const work: Writable<Work> = {
      runId: run.runId,
      task: task.id,
      index: run.instances.indexOf(owed.instance),
      attempt: owed.attempt,
      runSeq: run.seq,
      partition: run.partition,
      dagName: run.submitted.dagName,
      tenantId: run.submitted.tenantId,
      queue: task.queue,
      type: task.type,
      command: task.command,
      options: task.options,
      env: task.env,
      inputs,
      trustedUntil: this.#options.trustedUntil(run),
    };
    // Most have none of these.
    if (run.gen !== 0) work.gen = run.gen;
    if (outputs !== undefined) work.outputs = outputs;
    if (bindings !== undefined) work.bindings = bindings;
    if (hasExpressions !== undefined) work.hasExpressions = hasExpressions;
    if (edgeFilters !== undefined && seesArtifacts(task)) work.edgeFilters = edgeFilters;
    if (timeoutMs !== undefined) work.timeoutMs = timeoutMs;
    if (owed.mayBeHeld !== undefined) work.mayBeHeld = true;
    return work;
  }
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** By what its definition says of its params, beside what it is given. */
function seesArtifacts({ bindings, hasExpressions }: Task): boolean {
  return bindings !== undefined || hasExpressions === true;
}

function givenArtifacts({ isSingle, artifacts }: InstanceInput): GivenArtifacts {
  const items = artifacts.map(toRecord);
  return isSingle === true ? { single: true, items } : { items };
}
