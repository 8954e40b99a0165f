/** Graphs through the engine as a library: what each step dispatches, marks and calls. */
import { Engine, type EngineTask, PipelineError, type RunEnd } from "../../cmd/library/engine.ts";
import { MemoryEventStore } from "../support/memory-event-store.ts";
import {
  artifactsOf,
  type Event,
  FAN_OUT_LIMIT,
  type GraphCase,
  nodesOf,
  type TaskKey,
} from "./graph-case.ts";
import { type Dispatched, type GraphRun, type Happened, keyOf, runSteps } from "./graph-steps.ts";
import type { Vector, VectorRunner } from "./vector.ts";

const RUN = "run";

export const graphEngine: VectorRunner = {
  file: "graph.json",
  way: "jetdag/engine",
  run: async (vector) => {
    const given = vector as unknown as Vector & GraphCase;
    return runSteps(given, new EngineRun(given));
  },
};

class EngineRun implements GraphRun {
  readonly #case: GraphCase;
  readonly #engine: Engine;
  /** By key: the live task. */
  readonly #tasks = new Map<string, EngineTask>();
  /** Ids of all tasks that there were. */
  readonly #known = new Set<string>();
  #dispatched: EngineTask[] = [];
  #ends: RunEnd[] = [];

  constructor(given: GraphCase) {
    this.#case = given;
    this.#engine = new Engine({
      store: new MemoryEventStore(),
      dispatch: (task) => this.#add(task),
      // What was launched and cancelled in one step is never dispatched here.
      cancel: (task) => {
        if (!this.#known.has(task.id)) this.#add(task);
      },
      onEnd: (end) => void this.#ends.push(end),
      isPassthrough: (plugin) => given.passthrough_plugins?.includes(plugin) === true,
      fanOutLimit: FAN_OUT_LIMIT,
    });
  }

  async isRefused(): Promise<boolean> {
    try {
      await this.#start();
      return false;
    } catch (error) {
      if (error instanceof PipelineError) return true;
      throw error;
    }
  }

  async act(event: Event): Promise<Happened> {
    this.#dispatched = [];
    this.#ends = [];
    await this.#tell(event);
    const status = await this.#engine.status(RUN);
    if (status === undefined) throw new Error("there is no run");
    for (const task of this.#dispatched) this.#tasks.set(keyOf(task), task);
    return {
      dispatched: this.#dispatched.map(dispatchOf),
      status,
      ends: this.#ends.map(({ state }) => state),
    };
  }

  async #tell(event: Event): Promise<void> {
    if ("start" in event) await this.#start();
    else if ("complete" in event)
      await this.#engine.complete(this.#task(event.complete), artifactsOf(event.artifacts));
    else if ("redeliver_complete" in event) await this.#engine.complete(this.#task(event.redeliver_complete));
    else if ("fail" in event) await this.#engine.fail(this.#task(event.fail), event.error ?? "boom");
    else if ("crash" in event) await this.#engine.crash(this.#task(event.crash), event.error ?? "boom");
    else if ("retry" in event) await this.#retry(event.boundary.failed);
    else {
      const { status: state, reason } = event.abort;
      const answer = await this.#engine.abort(RUN, { state, reason });
      if (answer !== event.returns) throw new Error(`abort resolved with ${answer}`);
    }
  }

  /** `failed`: the nodes that keep what has completed of them, or that could not be launched and have no tasks. */
  async #retry(failed: readonly string[]): Promise<void> {
    const ids = [...((await this.#engine.retry(RUN)) ?? [])].flat();
    const nodes = new Set(ids.map((id) => id.split(".")[1]));
    const launched = new Set([...this.#tasks.values()].map(({ node }) => node));
    if (failed.some((node) => launched.has(node) && !nodes.delete(node)) || nodes.size > 0)
      throw new Error(`retry resolved with tasks of other nodes: ${ids.join(" ")}`);
  }

  async #start(): Promise<void> {
    await this.#engine.start(RUN, { nodes: nodesOf(this.#case) });
  }

  #add(task: EngineTask): void {
    this.#known.add(task.id);
    this.#dispatched.push(task);
  }

  #task(key: TaskKey): EngineTask {
    const task = this.#tasks.get(keyOf(key));
    if (task === undefined) throw new Error(`no such task was dispatched: ${JSON.stringify(key)}`);
    return task;
  }
}

function dispatchOf({ node, input, origin, artifacts }: EngineTask): Dispatched {
  return {
    node,
    ...(input === undefined ? {} : { input }),
    ...(origin === undefined ? {} : { origin }),
    input_artifacts: artifacts?.map(({ id }) => id) ?? null,
  };
}
