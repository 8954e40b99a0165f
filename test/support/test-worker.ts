/** A worker on ports in memory, whose tasks go on until a test or the worker ends them. */
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import { attemptKey, type Work } from "../../internal/core/attempt.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { MemoryCluster } from "../../internal/memory/cluster.ts";
import { systemRandom } from "../../internal/memory/system.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import type { Link } from "../../internal/ports/link.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import type { TaskExecutor } from "../../internal/ports/task-executor.ts";
import { DEFAULT_ARTIFACT_LIMITS } from "../../internal/core/new-artifact.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import { noLogs } from "./no-logs.ts";
import { loopLiveness } from "../../internal/worker/pulse.ts";
import { secretsOf } from "./secrets.ts";
import { Worker, type WorkerOptions } from "../../internal/worker/worker.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

/** A connection that a test cuts. What is said meanwhile arrives all the same: the test sees to that itself. */
export class TestLink implements Link {
  readonly #acts = new Set<() => void>();
  #isUp = true;

  isUp(): boolean {
    return this.#isUp;
  }
  onRestored(act: () => void): { cancel(): void } {
    this.#acts.add(act);
    return { cancel: () => void this.#acts.delete(act) };
  }
  cut(): void {
    this.#isUp = false;
  }
  restore(): void {
    this.#isUp = true;
    for (const act of this.#acts) act();
  }
}

export class TestWorker {
  readonly worker: Worker;
  readonly link = new TestLink();
  /** Every execution that was begun, by attempt key, in order. */
  readonly begun: string[] = [];
  readonly seen: Observation[] = [];
  readonly #running = new Map<string, () => void>();

  constructor(cluster: MemoryCluster, clock: Clock, more: Partial<WorkerOptions> = {}) {
    const workerId = more.workerId ?? "w";
    this.worker = new Worker({
      log: cluster.log,
      queue: cluster.queue,
      blobs: cluster.blobs,
      presence: cluster.presence,
      desk: cluster.desk,
      referee: cluster.referee,
      pressure: cluster.pressure,
      link: this.link,
      definitions: new StoredDefinitions(cluster.blobs),
      clock,
      random: systemRandom,
      patterns: linearPatterns(),
      observer: { observe: (observation) => void this.seen.push(observation) },
      registry: new TaskExecutorRegistry([this.#executor()]),
      workerId,
      incarnation: `${workerId}-1`,
      host: "host",
      pid: 1,
      queues: ["default"],
      slots: 2,
      attemptLogs: noLogs,
      secrets: secretsOf(),
      functions: () => [],
      taskTimeoutMs: 60 * 60_000,
      graceMs: 1_000,
      liveness: loopLiveness({
        presence: cluster.presence,
        queue: cluster.queue,
        clock,
        heartbeatMs: 10_000,
        ackWaitMs: 60_000,
      }),
      shutdownTimeoutMs: 0,
      inlineLimit: 64 * 1_024,
      files: hostFiles,
      artifactLimits: DEFAULT_ARTIFACT_LIMITS,
      ...more,
    });
  }

  get running(): string[] {
    return [...this.#running.keys()];
  }

  /** The execution of this attempt succeeds. */
  finish(attempt: Pick<Work, "runId" | "task" | "index" | "attempt">): void {
    this.#running.get(attemptKey(attempt))?.();
  }

  #executor(): TaskExecutor {
    return {
      type: "test",
      execute: (call, { signal }) =>
        new Promise((resolve) => {
          const key = attemptKey(call);
          this.begun.push(key);
          this.#running.set(key, () => {
            this.#running.delete(key);
            resolve({ ok: true, output: {} });
          });
          signal.addEventListener("abort", () => {
            this.#running.delete(key);
            resolve({ ok: false, error: { reason: "cancelled", message: "ended" } });
          });
        }),
    };
  }
}

/** All outcomes that the log holds of a run, void ones too. */
export async function outcomesOf({ log }: Pick<MemoryCluster, "log">, runId: string): Promise<Outcome[]> {
  const facts = await log.factsOf(runId);
  return facts.flatMap(({ fact }) => (fact.kind === "outcomes" ? fact.items : []));
}
