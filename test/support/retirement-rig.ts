/** Runs that have ended, and what retires them, on memory ports. */
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import type { Fact, LoggedFact } from "../../internal/core/facts.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { RunResult } from "../../internal/core/result.ts";
import type { Retention } from "../../internal/core/retention.ts";
import { encodeValue } from "../../internal/core/stored.ts";
import { inspectRun } from "../../internal/executor/inspection.ts";
import { Retirement, type RetirementOptions } from "../../internal/executor/retirement.ts";
import type { Ports } from "../../internal/executor/settings.ts";
import { prepareRun } from "../../internal/executor/submission.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import { dag, task } from "./dags.ts";
import { completed, failed } from "./facts.ts";
import { ManualClock } from "./manual-clock.ts";

export const HOUR = 3_600_000;
export const RETENTION: Retention = {
  retireAfterMs: HOUR,
  maxFacts: 1_000,
  historyMs: 24 * HOUR,
  historyRuns: 1_000,
  historyBytes: 1_000_000,
};
export const SUBMISSION = { random: { id: () => "n" }, lossCap: 5, inlineLimit: 65_536 };
export const CHAIN = dag([task("a"), task("b", { dependsOn: ["a"], retries: 1 }), task("c")]);
export const TOMBSTONE = ["submitted", "retired"];

export class RetirementRig {
  readonly clock = new ManualClock();
  readonly cluster = new MemoryCluster({ clock: this.clock });
  readonly ports: Pick<Ports, "log" | "history" | "blobs" | "presence" | "definitions" | "clock">;
  readonly seen: Observation[] = [];

  constructor() {
    const { log, history, blobs, presence } = this.cluster;
    const definitions = new StoredDefinitions(blobs);
    this.ports = { log, history, blobs, presence, definitions, clock: this.clock };
  }

  retirement(more: Partial<RetirementOptions> = {}): Retirement {
    return new Retirement({
      ...this.ports,
      observer: { observe: (observation) => void this.seen.push(observation) },
      retention: RETENTION,
      owns: () => true,
      goesOn: () => false,
      ...more,
    });
  }

  /** One pass, for which time goes on as long as it rests. */
  async pass(retiring: Retirement): Promise<void> {
    const state = { isDone: false };
    const passing = retiring.pass().then(() => (state.isDone = true));
    while (!state.isDone) await this.clock.advance(1);
    await passing;
  }

  async submit(runId: string, definition: Dag = CHAIN): Promise<LoggedFact> {
    await prepareRun({ dag: definition, runId }, { ...this.ports, ...SUBMISSION }).admit();
    const [submitted] = await this.ports.log.factsOf(runId);
    if (submitted === undefined) throw new Error("not submitted");
    return submitted;
  }

  /** A run that has ended and was announced: with a task that failed, one that was lost, a large output. */
  async ended(runId: string): Promise<LoggedFact> {
    const { log, blobs } = this.ports;
    const run = await this.submit(runId);
    const ref = await blobs.put({ runId }, "out-a-0-1", encodeValue({ large: runId }));
    const outcomes = (n: number, items: readonly unknown[]): Fact =>
      ({ kind: "outcomes", runSeq: run.seq, items, queue: "q", incarnation: "w", n }) as Fact;
    const facts: Fact[] = [
      outcomes(1, [{ ...completed("a"), output: { ref } }, completed("c")]),
      outcomes(2, [{ ...failed("b", 1, "lost"), worker: "w-1" }]),
      outcomes(3, [failed("b", 2)]),
      outcomes(4, [failed("b", 3)]),
      { kind: "finished", gen: 0, state: "failed", durationMs: 10 },
    ];
    for (const fact of facts) await log.append(run, fact);
    return run;
  }

  inspect(runId: string): Promise<RunResult | undefined> {
    return inspectRun(runId, { ...this.ports, view: undefined });
  }

  /** What the log holds of a run. */
  async kinds(runId: string): Promise<string[]> {
    return (await this.ports.log.factsOf(runId)).map(({ fact }) => fact.kind);
  }
}
