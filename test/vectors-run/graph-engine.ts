/** Graphs through the engine as a library: what each step dispatches, marks and calls. */
import {
  Engine,
  type EngineTask,
  PipelineError,
  type RunEnd,
  type RunStatus,
} from "../../cmd/library/engine.ts";
import { MemoryEventStore } from "../support/memory-event-store.ts";
import {
  artifactsOf,
  type Event,
  type Expected,
  type GraphCase,
  nodesOf,
  type TaskKey,
} from "./graph-case.ts";
import { differences, type Vector, type VectorRunner } from "./vector.ts";

const RUN = "run";
/** As the cases have it. */
const LIMIT = 200;

export const graphEngine: VectorRunner = {
  file: "graph.json",
  way: "jetdag/engine",
  run: async (vector) => {
    const given = vector as unknown as Vector & GraphCase;
    const run = new EngineRun(given);
    if (given.start_error !== undefined) return run.isRefused();
    const wrong: string[] = [];
    for (const [i, { event, expect }] of (given.steps ?? []).entries()) {
      const actual = await run.step(event);
      wrong.push(
        ...differences(actual, { ...expect, dispatched: expect.dispatched.map(wantedOf) }).map(
          (line) => `step ${i}: ${line}`,
        ),
      );
    }
    return wrong;
  },
};

class EngineRun {
  readonly #case: GraphCase;
  readonly #engine: Engine;
  /** By key: the live task. */
  readonly #tasks = new Map<string, EngineTask>();
  /** Ids of all tasks that there were. */
  readonly #known = new Set<string>();
  #dispatched: EngineTask[] = [];
  #ends: RunEnd[] = [];
  #before: RunStatus | undefined;

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
      fanOutLimit: LIMIT,
    });
  }

  async isRefused(): Promise<string[]> {
    try {
      await this.#engine.start(RUN, { nodes: nodesOf(this.#case) });
      return ["it was started"];
    } catch (error) {
      return error instanceof PipelineError ? [] : [String(error)];
    }
  }

  async step(event: Event): Promise<Record<keyof Expected, unknown>> {
    this.#dispatched = [];
    this.#ends = [];
    this.#before = await this.#engine.status(RUN);
    await this.#act(event);
    const status = await this.#engine.status(RUN);
    if (status === undefined) throw new Error("there is no run");
    for (const task of this.#dispatched) this.#tasks.set(keyOf(task), task);
    return {
      dispatched: this.#dispatched.map(dispatchOf),
      skipped: this.#newly("skipped", status),
      filtered: this.#newly("filtered", status),
      // A retry takes them away: what has one after it was launched again.
      failed_markers: failedMarkers(
        status,
        "retry" in event ? Object.keys(status.nodes) : this.#newly("failed", status),
      ),
      nodes: Object.fromEntries(
        Object.entries(status.nodes).map(([slug, counts]) => [slug, counts ?? "not_launched"]),
      ),
      run: status.state,
      callbacks: this.#ends.map(({ state }) => state),
    };
  }

  async #act(event: Event): Promise<void> {
    if ("start" in event) await this.#engine.start(RUN, { nodes: nodesOf(this.#case) });
    else if ("complete" in event)
      await this.#engine.complete(this.#task(event.complete), artifactsOf(event.artifacts));
    else if ("redeliver_complete" in event) await this.#engine.complete(this.#task(event.redeliver_complete));
    else if ("fail" in event) await this.#engine.fail(this.#task(event.fail), event.error ?? "boom");
    else if ("crash" in event) await this.#engine.crash(this.#task(event.crash), event.error ?? "boom");
    else if ("retry" in event) await this.#engine.retry(RUN);
    else {
      const { status: state, reason } = event.abort;
      const answer = await this.#engine.abort(RUN, { state, reason });
      if (answer !== event.returns) throw new Error(`abort resolved with ${answer}`);
    }
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

  /** Nodes that have come to it by this step. */
  #newly(state: "skipped" | "filtered" | "failed", { nodes }: RunStatus): string[] {
    const had = (slug: string): boolean => this.#before?.nodes[slug]?.[state] !== undefined;
    return Object.keys(nodes).filter((slug) => nodes[slug]?.[state] !== undefined && !had(slug));
  }
}

/** Without what an early release of the reference handed on. */
function wantedOf({ node, input, origin, input_artifacts }: Expected["dispatched"][number]): object {
  return { node, input, origin, input_artifacts };
}

function dispatchOf({ node, input, origin, artifacts }: EngineTask): object {
  return {
    node,
    ...(input === undefined ? {} : { input }),
    ...(origin === undefined ? {} : { origin }),
    input_artifacts: artifacts?.map(({ id }) => id) ?? null,
  };
}

function keyOf({ node, input, origin }: TaskKey): string {
  return JSON.stringify([node, input, origin]);
}

/** What could not be launched says how much it was. */
function failedMarkers({ problems }: RunStatus, failed: readonly string[]): object[] {
  return failed.flatMap((node) => {
    const problem = problems[node];
    if (problem === undefined) return [];
    const [, count, unit, max] = /^(\d+) (artifacts|groups), .* (\d+) instances/.exec(problem) ?? [];
    return [
      { node, kind: "fan_out_limit", count: Number(count), max: Number(max), grouped: unit === "groups" },
    ];
  });
}
