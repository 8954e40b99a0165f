/** Submits runs and cancels them, and hears every fact of the log as it comes; it drives nothing. */
import { StoredDefinitions } from "../../../internal/contract/definitions.ts";
import type { LoggedFact, RunEndState } from "../../../internal/core/facts.ts";
import type { Dag } from "../../../internal/core/model.ts";
import type { RunResult } from "../../../internal/core/result.ts";
import { cancelRun, inspectRun } from "../../../internal/executor/inspection.ts";
import { prepareRun } from "../../../internal/executor/submission.ts";
import { systemClock, systemRandom } from "../../../internal/memory/system.ts";
import type { Definitions } from "../../../internal/ports/definitions.ts";
import { type OpenedCluster, openTestCluster } from "../../support/nats-cluster.ts";
import type { SubmittedRun } from "./evidence.ts";
import { readRun } from "./log-reading.ts";

export interface SubmitOptions {
  /** Default: only `completed`. */
  readonly mayEndAs?: readonly RunEndState[];
  /** Default 5. */
  readonly lossCap?: number;
}

const LEASE_TERM_MS = 3_000;
const LOSS_CAP = 5;
const SUBMIT_MS = 60_000;
const INLINE_LIMIT = 65_536;
const COMPLETED: readonly RunEndState[] = ["completed"];

export class Witness implements AsyncDisposable {
  readonly cluster: OpenedCluster;
  readonly #accepted: SubmittedRun[] = [];
  /** Those of which nobody knows whether they are stored, unless the log does. */
  readonly #open: SubmittedRun[] = [];
  readonly #begun = new Set<string>();
  readonly #definitions: Definitions;
  /** By position: a log that was heard twice is still one log. */
  readonly #facts = new Map<number, LoggedFact>();
  readonly #ended = new Set<string>();

  private constructor(cluster: OpenedCluster) {
    this.cluster = cluster;
    this.#definitions = new StoredDefinitions(cluster.blobs);
  }

  static async open(servers: string, namespace: string): Promise<Witness> {
    const witness = new Witness(
      // It creates what is created once; what it does not say here is as the services have it by default.
      await openTestCluster({ servers, namespace, more: { leaseTermMs: LEASE_TERM_MS } }),
    );
    await witness.cluster.log.follow({ from: 1 }, (fact) => witness.#hear(fact));
    return witness;
  }

  get runs(): readonly SubmittedRun[] {
    return [...this.#accepted, ...this.#open.filter(({ runId }) => this.#begun.has(runId))];
  }

  get facts(): LoggedFact[] {
    return [...this.#facts.values()].toSorted((a, b) => a.seq - b.seq);
  }

  /** Runs that were accepted and have not ended. */
  get unfinished(): SubmittedRun[] {
    return this.runs.filter(({ runId }) => !this.#ended.has(runId));
  }

  /** Resolves once the log holds it: what a server that is not there does not take in time is submitted again. */
  async submit(dag: Dag, more: SubmitOptions = {}): Promise<string> {
    const { log, blobs } = this.cluster;
    const { mayEndAs = COMPLETED, lossCap = LOSS_CAP } = more;
    const definitions = this.#definitions;
    const options = { log, blobs, definitions, random: systemRandom, lossCap, inlineLimit: INLINE_LIMIT };
    const giveUpAt = performance.now() + SUBMIT_MS;
    for (;;) {
      const { runId, admit } = prepareRun({ dag }, options);
      const run = { runId, dag, mayEndAs };
      try {
        await admit();
        this.#accepted.push(run);
        return runId;
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        // It may be stored all the same.
        this.#open.push(run);
      }
    }
  }

  async cancel(runId: string): Promise<void> {
    const { log } = this.cluster;
    await cancelRun(runId, { log, definitions: this.#definitions });
  }

  /** What the product shows of a run. */
  async result(runId: string): Promise<RunResult | undefined> {
    const { log, history, blobs } = this.cluster;
    return inspectRun(runId, {
      log,
      history,
      blobs,
      definitions: this.#definitions,
      clock: systemClock,
      view: undefined,
    });
  }

  /** What is still to be done, for whoever waits in vain. */
  async describe(): Promise<unknown> {
    const { queue } = this.cluster;
    const { facts } = this;
    const runs = this.unfinished.slice(0, 5).map(({ runId, dag }) => {
      const { accepted } = readRun(facts.filter((fact) => fact.runId === runId));
      const tasks = dag.tasks.map(({ id }) => {
        const ends = (accepted.get(id) ?? []).map(({ outcome }) =>
          outcome.state === "failed" ? outcome.error.reason : outcome.state,
        );
        return `${id}: ${ends.length === 0 ? "-" : ends.join(", ")}`;
      });
      return { runId, dag: dag.name, tasks };
    });
    const queued = await queue.list().catch((error: unknown) => [String(error)]);
    return { unfinished: this.unfinished.length, runs, queued: queued.slice(0, 20) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.close();
  }

  #hear(logged: LoggedFact): void {
    this.#facts.set(logged.seq, logged);
    if (logged.fact.kind === "submitted") this.#begun.add(logged.runId);
    if (logged.fact.kind === "finished") this.#ended.add(logged.runId);
  }
}
