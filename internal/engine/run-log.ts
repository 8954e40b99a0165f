/** Runs out of the events of a store: facts in plain JSON, each with its time. */
import type { Change } from "../core/change.ts";
import { type Fact, SEMANTICS, type Submitted } from "../core/facts.ts";
import type { Graph } from "../core/graph.ts";
import type { JsonObject } from "../core/json.ts";
import { RunFold } from "../core/run-fold.ts";
import type { EventStore } from "./event-store.ts";
import { graphOfPipeline, type PipelineNode } from "./pipeline.ts";

export interface StoredRun {
  readonly fold: RunFold;
  /** So many events are folded. */
  length: number;
}

export interface RunLogOptions {
  readonly store: EventStore;
  isPassthrough?(plugin: string): boolean;
  readonly fanOutLimit?: number;
  readonly now?: () => number;
}

interface Started {
  readonly kind: "started";
  readonly nodes: readonly PipelineNode[];
  readonly input: JsonObject;
  /** Those of the plugins that hand through: what they are called then may change later. */
  readonly passthrough: readonly string[];
  readonly fanOutLimit?: number;
}

/** What an event holds. */
interface Event {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly fact: Exclude<Fact, Submitted> | Started;
}

/** So many runs are kept at hand, the latest used of them. */
const MAX_AT_HAND = 500;

export class RunLog {
  readonly #options: RunLogOptions;
  readonly #runs = new Map<string, StoredRun>();

  constructor(options: RunLogOptions) {
    this.#options = options;
  }

  /** The run as it stands, whoever has started it. Rejects with `PipelineError`. */
  async start(runId: string, nodes: readonly PipelineNode[], input: JsonObject): Promise<StoredRun> {
    const { isPassthrough = () => false, fanOutLimit, store } = this.#options;
    const started: Started = {
      kind: "started",
      nodes,
      input,
      passthrough: [...new Set(nodes.map(({ plugin }) => plugin))].filter((plugin) => isPassthrough(plugin)),
      ...(fanOutLimit === undefined ? {} : { fanOutLimit }),
    };
    const event = { time: this.#now(), fact: started };
    // A pipeline that is wrong is never stored.
    const run = begin(runId, event);
    if (!(await store.append(runId, 1, event as unknown as JsonObject)))
      return (await this.load(runId)) ?? run;
    this.#keep(run);
    return run;
  }

  /** With all that is stored of it; `undefined` when there is no such run. */
  async load(runId: string): Promise<StoredRun | undefined> {
    let run = this.#runs.get(runId);
    const events = (await this.#options.store.read(runId, (run?.length ?? 0) + 1)) as unknown as Event[];
    for (const event of events) {
      if (run === undefined) run = begin(runId, event);
      else apply(run, event);
    }
    if (run !== undefined) this.#keep(run);
    return run;
  }

  /** `undefined` when somebody else was faster: what it decided is not known here yet. */
  async append(run: StoredRun, fact: Exclude<Fact, Submitted>): Promise<Change | undefined> {
    const event: Event = { time: this.#now(), fact };
    const { runId } = run.fold;
    if (!(await this.#options.store.append(runId, run.length + 1, event as unknown as JsonObject)))
      return undefined;
    return apply(run, event);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #keep(run: StoredRun): void {
    const { runId } = run.fold;
    this.#runs.delete(runId);
    this.#runs.set(runId, run);
    const [oldest] = this.#runs.keys();
    if (this.#runs.size > MAX_AT_HAND && oldest !== undefined) this.#runs.delete(oldest);
  }
}

function begin(runId: string, { time, fact }: Event): StoredRun {
  if (fact.kind !== "started") throw new Error(`the events of run '${runId}' do not begin with its start`);
  const graph: Graph = graphOfPipeline(fact.nodes, (plugin) => fact.passthrough.includes(plugin));
  const submitted: Submitted = {
    kind: "submitted",
    dagName: graph.dag.name,
    tenantId: graph.dag.tenantId,
    definition: { name: "", bytes: 0, chunks: 0 },
    params: { inline: fact.input },
    defaults: { lossCap: 0, ...(fact.fanOutLimit === undefined ? {} : { fanOutLimit: fact.fanOutLimit }) },
    semantics: SEMANTICS,
    nonce: "",
  };
  const logged = { seq: 1, time, runId, partition: 0, fact: submitted };
  return { fold: new RunFold(logged, submitted, graph), length: 1 };
}

function apply(run: StoredRun, { time, fact }: Event): Change {
  if (fact.kind === "started") throw new Error(`run '${run.fold.runId}' was started twice`);
  run.length++;
  return run.fold.apply({ seq: run.length, time, runId: run.fold.runId, partition: 0, fact });
}
