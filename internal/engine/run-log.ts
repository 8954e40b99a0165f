/**
 * Runs out of the events of a store: facts in plain JSON, each with its time and who stored it.
 *
 * A run is for one caller at a time, see `RunLocks`: what is folded of it is shared, and each event is folded once.
 */
import type { Change } from "../core/change.ts";
import type { Fact, Submitted } from "../core/facts.ts";
import type { JsonObject } from "../core/json.ts";
import { isMap } from "../core/not-json.ts";
import { RunFold } from "../core/run-fold.ts";
import { EngineError } from "./errors.ts";
import type { EventStore } from "./event-store.ts";
import { graphOfNodes, type PipelineNode } from "./pipeline.ts";
import { RunsAtHand } from "./runs-at-hand.ts";

export interface StoredRun {
  readonly fold: RunFold;
  /** What it was started with, merged. */
  readonly input: JsonObject;
  /** So many events are folded. */
  length: number;
  /** What it takes in memory: nodes, events and artifacts. */
  weight: number;
}

export interface RunLogOptions {
  readonly store: EventStore;
  /** Milliseconds since 1970. */
  now(): number;
  /** What was stored here is there, and nothing has followed from it: the store had said that it failed. */
  strayed(runId: string): void;
}

/** How a run begins. */
export interface Started {
  readonly kind: "started";
  /** Version of the rules by which the run is folded. */
  readonly semantics: number;
  readonly nodes: readonly PipelineNode[];
  readonly input: JsonObject;
  /** Those of the plugins that hand through: what they are called then may change later. */
  readonly passthrough: readonly string[];
  readonly fanOutLimit: number;
}

export type Decision = Exclude<Fact, Submitted>;

/** What an event holds. */
interface Event {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The writer, and which of his events it is: so he knows what he has stored where the answer did not say so. */
  readonly by: string;
  readonly fact: Decision | Started;
}

export class RunLog {
  readonly #options: RunLogOptions;
  readonly #by = globalThis.crypto.randomUUID();
  #events = 0;
  readonly #runs = new RunsAtHand();

  constructor(options: RunLogOptions) {
    this.#options = options;
  }

  /** The run as it begins; `undefined` when there is one already. */
  async start(runId: string, started: Started): Promise<StoredRun | undefined> {
    const stored = await this.#store(runId, 1, started);
    if (stored === undefined) return undefined;
    const run = begin(runId, stored);
    this.#runs.keep(run);
    return run;
  }

  /** With all that is stored of it; `undefined` when there is no such run. */
  async load(runId: string): Promise<StoredRun | undefined> {
    const atHand = this.#runs.get(runId);
    let run = atHand;
    for (const event of await this.#read(runId, (run?.length ?? 0) + 1)) {
      if (run === undefined) run = begin(runId, event);
      else apply(run, event);
      if (atHand !== undefined && event.by.startsWith(this.#by)) this.#options.strayed(runId);
    }
    if (run !== undefined) this.#runs.keep(run);
    return run;
  }

  /** `undefined` when somebody else was faster: what it decided is not known here yet. */
  async append(run: StoredRun, fact: Decision): Promise<Change | undefined> {
    const stored = await this.#store(run.fold.runId, run.length + 1, fact);
    if (stored === undefined) return undefined;
    const change = apply(run, stored);
    this.#runs.keep(run);
    return change;
  }

  /** The event as it is read again; `undefined` when there is another one of that number. */
  async #store(runId: string, number: number, fact: Event["fact"]): Promise<Event | undefined> {
    const by = `${this.#by}.${++this.#events}`;
    const event = JSON.stringify({ time: this.#options.now(), by, fact });
    const isStored: unknown = await this.#options.store.append(
      runId,
      number,
      JSON.parse(event) as JsonObject,
    );
    if (isStored === true) return JSON.parse(event) as Event;
    const [there] = await this.#read(runId, number);
    if (there === undefined) {
      const what = `append of event ${number} of run '${runId}' has resolved with ${String(isStored)}`;
      throw badStore(`${what}, and there is none of that number: it has to store it, and resolve with true`);
    }
    return there.by === by ? there : undefined;
  }

  async #read(runId: string, from: number): Promise<readonly Event[]> {
    const events: unknown = await this.#options.store.read(runId, from);
    if (!Array.isArray(events)) throw badStore("read has to resolve with a list of events");
    for (const [i, event] of events.entries()) {
      const number = from + i;
      const fact: unknown = isMap(event) && typeof event.by === "string" ? event.fact : undefined;
      if (!isMap(fact) || (fact.kind === "started") !== (number === 1))
        throw badStore(`what read gives as event ${number} of run '${runId}' was not stored as such`);
    }
    return events as Event[];
  }
}

function badStore(message: string): EngineError {
  return new EngineError("BAD_STORE", `the event store does not do what it has to: ${message}`);
}

function begin(runId: string, { time, fact }: Event): StoredRun {
  const { nodes, input, passthrough, fanOutLimit, semantics } = fact as Started;
  const graph = graphOfNodes(nodes, (plugin) => passthrough.includes(plugin));
  const submitted: Submitted = {
    kind: "submitted",
    dagName: graph.dag.name,
    tenantId: graph.dag.tenantId,
    definition: { name: "", bytes: 0, chunks: 0 },
    params: { inline: input },
    defaults: { lossCap: 0, fanOutLimit },
    semantics,
    nonce: "",
  };
  const logged = { seq: 1, time, runId, partition: 0, fact: submitted };
  return { fold: new RunFold(logged, submitted, graph), input, length: 1, weight: nodes.length };
}

function apply(run: StoredRun, { time, fact }: Event): Change {
  run.length++;
  run.weight += weightOf(fact as Decision);
  const seq = run.length;
  return run.fold.apply({ seq, time, runId: run.fold.runId, partition: 0, fact: fact as Decision });
}

function weightOf(fact: Decision): number {
  if (fact.kind !== "outcomes") return 1;
  const artifacts = fact.items.map((item) =>
    item.state === "completed" && item.artifacts !== undefined && "inline" in item.artifacts
      ? item.artifacts.inline.length
      : 0,
  );
  return artifacts.reduce((sum, each) => sum + each, 1);
}
