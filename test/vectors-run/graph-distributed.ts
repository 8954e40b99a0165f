/**
 * Graphs through a distributed executor, on whatever ports: what it puts into the work queue, and what its log comes to.
 * The worker is played here: it takes every attempt, and each ends when the case says so.
 */
import type { LoggedFact } from "../../internal/core/facts.ts";
import { attemptKey, type Work } from "../../internal/core/attempt.ts";
import type { Owed } from "../../internal/core/change.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { RunResult } from "../../internal/core/result.ts";
import { RunFold } from "../../internal/core/run-fold.ts";
import { statusOf } from "../../internal/engine/status.ts";
import type { Delivery } from "../../internal/ports/task-queue.ts";
import { ensureDag } from "../../internal/spec/read.ts";
import { DefinitionError } from "../../internal/spec/problems.ts";
import { until } from "../support/until.ts";
import { artifactsOf, definitionOf, type Event, type GraphCase, type TaskKey } from "./graph-case.ts";
import { type OpenedPorts, openStage, QUEUE, type Stage } from "./graph-stage.ts";
import { type Dispatched, type GraphRun, type Happened, keyOf, runSteps } from "./graph-steps.ts";
import type { Vector, VectorRunner } from "./vector.ts";

/** All cases run on one executor, each as a run of its own. */
export function graphDistributed(way: string, openPorts: () => Promise<OpenedPorts>): VectorRunner {
  let opening: Promise<Stage> | undefined;
  return {
    file: "graph.json",
    way,
    run: async (vector) => {
      const given = vector as unknown as Vector & GraphCase;
      opening ??= openPorts().then(openStage);
      return runSteps(given, new DistributedRun(given, vector.id, await opening));
    },
    close: async () => {
      const stage = await opening;
      opening = undefined;
      await stage?.service.stop();
      await stage?.close();
    },
  };
}

/** A run out of the log, and all attempts that were ever called off in it, by key, in order. */
interface Folded {
  readonly run: RunFold;
  readonly cancelled: ReadonlyMap<string, Dispatched>;
}

function launched(run: RunFold, { instance }: Owed): Dispatched {
  const given = run.artifacts.inputOf(instance);
  return {
    node: run.taskOf(instance).id,
    ...(given?.isSingle === true ? { input: given.artifacts[0]?.id ?? "" } : {}),
    ...(given?.origin === undefined ? {} : { origin: given.origin }),
    input_artifacts: given?.artifacts.map(({ id }) => id) ?? null,
  };
}

class DistributedRun implements GraphRun {
  readonly #case: GraphCase;
  readonly #stage: Stage;
  readonly #delivered: Delivery[];
  readonly #runId: string;
  /** By key: the live attempt. */
  readonly #tasks = new Map<string, Delivery>();
  /** Keys of attempts that were dispatched, or launched and cancelled at once. */
  readonly #known = new Set<string>();
  #seen = 0;
  #ends = 0;
  #written = 0;

  constructor(given: GraphCase, runId: string, stage: Stage) {
    this.#case = given;
    this.#runId = runId;
    this.#stage = stage;
    this.#delivered = stage.worker.of(runId);
  }

  async isRefused(): Promise<boolean> {
    try {
      this.#dag();
      return false;
    } catch (error) {
      if (error instanceof DefinitionError) return true;
      throw error;
    }
  }

  async act(event: Event): Promise<Happened> {
    await this.#tell(event);
    const folded = await this.#settled();
    const { run } = folded;
    const dispatched = this.#delivered.slice(this.#seen).map((delivery) => this.#take(delivery));
    this.#seen = this.#delivered.length;
    const ends = (await this.#facts()).flatMap(({ fact }) => (fact.kind === "finished" ? [fact.state] : []));
    const newEnds = ends.slice(this.#ends);
    this.#ends = ends.length;
    return {
      dispatched: [...dispatched, ...this.#calledOff(folded)],
      status: statusOf(run),
      ends: newEnds,
      wrong: await this.#misjudged(run),
    };
  }

  async #tell(event: Event): Promise<void> {
    const { service } = this.#stage;
    if ("start" in event) await service.submit({ dag: this.#dag(), runId: this.#runId });
    else if ("complete" in event)
      await this.#end(event.complete, {
        state: "completed",
        artifacts: { inline: artifactsOf(event.artifacts) },
      });
    else if ("redeliver_complete" in event) await this.#end(event.redeliver_complete, { state: "completed" });
    else if ("fail" in event) await this.#fail(event.fail, "function-error", event.error);
    else if ("crash" in event) await this.#fail(event.crash, "lost", event.error);
    else if ("retry" in event) await service.retry(this.#runId);
    else await this.#abort(event);
  }

  /** As a file has it, but for who hands through. */
  #dag(): Dag {
    const { passthrough_plugins: passthrough = [] } = this.#case;
    const dag = ensureDag(definitionOf(this.#case, this.#runId));
    const tasks = dag.tasks.map((task) =>
      passthrough.includes(task.command) ? { ...task, isPassthrough: true as const } : task,
    );
    return { ...dag, tasks };
  }

  async #fail(key: TaskKey, reason: "function-error" | "lost", message = "boom"): Promise<void> {
    await this.#end(key, { state: "failed", error: { reason, message, isFinal: true } });
  }

  async #end(
    key: TaskKey,
    end:
      | Pick<Outcome & { state: "completed" }, "state" | "artifacts">
      | Pick<Outcome & { state: "failed" }, "state" | "error">,
  ): Promise<void> {
    const delivery = this.#tasks.get(keyOf(key));
    if (delivery === undefined) throw new Error(`no such task was dispatched: ${JSON.stringify(key)}`);
    const { task, index, attempt, runSeq, partition, runId } = delivery.work;
    const outcome: Outcome = { task, index, attempt, durationMs: 1, worker: "played", ...end };
    const items = [outcome];
    const writer = { queue: QUEUE, incarnation: "played", n: ++this.#written };
    await this.#stage.log.append({ runId, partition }, { kind: "outcomes", runSeq, items, ...writer });
    delivery.ack();
  }

  /** By a fact, as whoever embeds the engine has it: neither library nor command line end a run so. */
  async #abort({ abort, returns }: Extract<Event, { abort: unknown }>): Promise<void> {
    const { status: state, reason: message } = abort;
    const { gen, end, partition, runId } = (await this.#fold()).run;
    if ((end === undefined) !== returns) throw new Error(`the run stands at ${end ?? "no end"}`);
    await this.#stage.log.append(
      { runId, partition },
      { kind: "cancel", gen, cause: "abort", state, message },
    );
  }

  /** Once the executor has done all that it owes by the log, and its end is announced; and no more than that is queued. */
  async #settled(): Promise<Folded> {
    let look: object = {};
    return until(
      async () => {
        const folded = await this.#fold();
        const { run } = folded;
        const owed = run.owed().map((each) => attemptKey(run.idOf(each)));
        const queued = (await this.#stage.queue.list())
          .filter(({ runId }) => runId === this.#runId)
          .map((each) => attemptKey(each));
        const delivered = new Set(this.#delivered.map(({ work }) => attemptKey(work)));
        look = { owed, queued, delivered: [...delivered] };
        const isDone =
          queued.length === owed.length &&
          owed.every((key) => queued.includes(key) && delivered.has(key)) &&
          (run.end === undefined || run.announced);
        return isDone && folded;
      },
      () => look,
    );
  }

  async #facts(): Promise<LoggedFact[]> {
    return this.#stage.log.factsOf(this.#runId);
  }

  async #fold(): Promise<Folded> {
    const facts = await this.#facts();
    const [first] = facts;
    if (first?.fact.kind !== "submitted") throw new Error("there is no run");
    const graph = await this.#stage.definitions.get(first.fact.definition);
    const run = new RunFold(first, first.fact, graph);
    const cancelled = new Map<string, Dispatched>();
    for (const logged of facts)
      for (const owed of run.apply(logged).cancelled)
        cancelled.set(attemptKey(run.idOf(owed)), launched(run, owed));
    return { run, cancelled };
  }

  #take(delivery: Delivery): Dispatched {
    const dispatched = this.#dispatchOf(delivery.work);
    this.#tasks.set(keyOf(dispatched), delivery);
    this.#known.add(attemptKey(delivery.work));
    return dispatched;
  }

  #dispatchOf({ task: node, inputs }: Work): Dispatched {
    if (!("inline" in inputs)) throw new Error("the inputs are not there");
    const { artifacts } = inputs.inline;
    if (artifacts === undefined) return { node, input_artifacts: null };
    const [first] = artifacts.items;
    const isGrouped = this.#case.nodes.find(({ slug }) => slug === node)?.fan_mode === "grouped";
    const origin = isGrouped ? first?.origin_artifact_id : undefined;
    return {
      node,
      ...(artifacts.single === true ? { input: first?.id ?? "" } : {}),
      ...(typeof origin === "string" ? { origin } : {}),
      input_artifacts: artifacts.items.map(({ id }) => id),
    };
  }

  /** What was launched and cancelled by one fact is never queued. */
  #calledOff({ cancelled }: Folded): Dispatched[] {
    const unknown = [...cancelled].filter(([key]) => !this.#known.has(key));
    for (const [key] of unknown) this.#known.add(key);
    return unknown.map(([, dispatched]) => dispatched);
  }

  /** What a caller is told of the run, against what the log says. */
  async #misjudged(run: RunFold): Promise<string[]> {
    const told = await this.#stage.service.inspect(this.#runId);
    if (told === undefined) return ["the run is not known"];
    const wanted = run.end ?? "running";
    const wrong = told.state === wanted ? [] : [`inspect: wanted ${wanted}, got ${told.state}`];
    const { nodes } = statusOf(run);
    for (const [slug, counts] of Object.entries(nodes)) {
      for (const state of ["completed", "failed", "crashed", "skipped", "filtered"] as const) {
        const [want, got] = [counts?.[state] ?? 0, countIn(told, slug, state)];
        if (want !== got) wrong.push(`inspect: ${slug} has ${got} ${state}, wanted ${want}`);
      }
    }
    return wrong;
  }
}

function countIn(
  { tasks }: RunResult,
  slug: string,
  state: "completed" | "failed" | "crashed" | "skipped" | "filtered",
): number {
  const task = tasks[slug];
  const all = task === undefined ? [] : (task.instances ?? [task]);
  return all.filter((each) => each.state === state).length;
}
