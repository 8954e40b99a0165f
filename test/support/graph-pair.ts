/** Runs of the engine beside runs of the plain model, held against each other after each event. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { EngineTask } from "../../cmd/library/engine.ts";
import { EngineRig } from "./engine-rig.ts";
import { GraphModel, type ModelTask } from "./graph-model.ts";
import type { SeededRandom } from "./random.ts";
import { GATE_PLUGIN, pipelineOf, randomArtifacts, randomNodes } from "./random-graphs.ts";

export const RUN = "run";
const LIMIT = 6;

/** A run of the engine beside one of the model, with the same events. */
export class GraphPair {
  readonly rig: EngineRig;
  readonly model: GraphModel;
  readonly #random: SeededRandom;
  /** By node and index: the live task of the engine. */
  readonly #live = new Map<string, EngineTask>();
  readonly #attempts = new Map<string, number>();
  #serial = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.rig = new EngineRig({ fanOutLimit: LIMIT, isPassthrough: (plugin) => plugin === GATE_PLUGIN });
    this.model = new GraphModel(randomNodes(random), { limit: LIMIT });
  }

  async start(): Promise<void> {
    await this.rig.engine.start(RUN, pipelineOf(this.model.nodes));
    this.model.start();
    await this.compare();
  }

  /** One event. */
  async step(): Promise<void> {
    const random = this.#random;
    const queued = this.model.queued();
    if (queued.length === 0 || random.chance(0.02)) return this.#abort();
    const task = random.pick(queued);
    const live = this.#taskOf(task);
    if (random.chance(0.04)) {
      const how = random.pick(["failed", "crashed"] as const);
      this.model.end(task, how);
      await (how === "failed" ? this.rig.engine.fail(live, "boom") : this.rig.engine.crash(live, "boom"));
    } else {
      const handed = randomArtifacts(random, `${task.node}-${++this.#serial}`, LIMIT);
      this.model.end(task, "completed", handed);
      await this.rig.engine.complete(live, handed);
      // The same again changes nothing.
      if (random.chance(0.1)) equal(await this.rig.engine.complete(live, [{ id: "again" }]), false);
    }
    return this.compare();
  }

  async retry(): Promise<void> {
    equal((await this.rig.engine.retry(RUN)) !== undefined, this.model.retry());
    await this.compare();
  }

  /** A failure that comes after the end. */
  async late(): Promise<void> {
    const cancelled = [...this.model.tasks.values()].flat().filter(({ state }) => state === "cancelled");
    if (cancelled.length === 0) return;
    const task = this.#random.pick(cancelled);
    const live = this.#taskOf(task);
    const how = this.#random.pick(["failed", "crashed"] as const);
    this.model.end(task, how);
    equal(
      await (how === "failed" ? this.rig.engine.fail(live, "late") : this.rig.engine.crash(live, "late")),
      false,
    );
    await this.compare();
  }

  async #abort(): Promise<void> {
    const state = this.#random.pick(["failed", "crashed", "cancelled"] as const);
    this.model.abort(state);
    await this.rig.engine.abort(RUN, { state, reason: "enough" });
    await this.compare();
  }

  async compare(): Promise<void> {
    const told = [...this.rig.dispatched.splice(0), ...this.rig.cancelled.splice(0)];
    const fresh = told.filter(({ id, attempt, node, index }) => {
      const before = this.#attempts.get(`${node}.${index}`) ?? 0;
      // Numbers of attempts only rise.
      ok(attempt >= before, `attempt ${id} after ${before}`);
      this.#attempts.set(`${node}.${index}`, attempt);
      return attempt > before;
    });
    for (const task of fresh) this.#live.set(`${task.node}.${task.index}`, task);
    deepEqual(
      fresh.map((task) => [task.node, task.artifacts?.map(({ id }) => id) ?? null]),
      this.model.dispatched.map(({ node, input }) => [node, input?.map(({ id }) => id) ?? null]),
    );
    const status = await this.rig.engine.status(RUN);
    deepEqual(status?.nodes, this.model.counts());
    equal(status?.state, this.model.run);
  }

  #taskOf(task: ModelTask): EngineTask {
    const index = this.model.tasks.get(task.node)?.indexOf(task) ?? -1;
    const found = this.#live.get(`${task.node}.${index}`);
    if (found === undefined) throw new Error(`task ${index} of ${task.node} was not dispatched`);
    return found;
  }
}

/** To its end, and perhaps again from there. */
export async function play(random: SeededRandom): Promise<GraphPair> {
  const pair = new GraphPair(random);
  await pair.start();
  for (let retries = 0; ; retries++) {
    for (let step = 0; pair.model.run === "running"; step++) {
      // A task ends at each step: there is no run without an end.
      ok(step < 10_000, "the run does not end");
      await pair.step();
    }
    while (random.chance(0.3)) await pair.late();
    if (retries === 3 || pair.model.run === "completed") return pair;
    await pair.retry();
  }
}
