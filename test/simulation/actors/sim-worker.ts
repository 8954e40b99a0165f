/** The real worker in a simulated process, with tasks whose ways the seed decides. */
import type { Presence, WorkerCommand } from "../../../internal/ports/presence.ts";
import type { TaskQueue } from "../../../internal/ports/task-queue.ts";
import { noLogs } from "../../support/no-logs.ts";
import { secretsOf } from "../../support/secrets.ts";
import { DEFAULT_ARTIFACT_LIMITS } from "../../../internal/core/new-artifact.ts";
import { Worker } from "../../../internal/worker/worker.ts";
import type { WorkerPlan } from "../scenario/settings.ts";
import { Program, type Surroundings } from "./program.ts";
import { simLiveness } from "./sim-liveness.ts";
import { SimFiles } from "./sim-files.ts";
import { SimTasks } from "./sim-tasks.ts";
import { linearPatterns } from "../../../internal/patterns/linear-patterns.ts";

export class SimWorker extends Program {
  readonly worker: Worker;
  readonly plan: WorkerPlan;
  readonly files = new SimFiles();
  /** When it was told to stop a run, by run. */
  readonly toldAt = new Map<string, number>();
  #isDraining = false;
  #hasEnded = false;

  constructor(plan: WorkerPlan, surroundings: Surroundings) {
    const { world, settings } = surroundings;
    super(`${plan.id}-${world.random.below(2 ** 30).toString(36)}`, surroundings);
    this.plan = plan;
    const tasks = new SimTasks(this, surroundings);
    this.worker = new Worker({
      ...this.ports,
      presence: this.#overhear(this.ports.presence),
      queue: this.#noteDeliveries(this.ports.queue, surroundings),
      liveness: simLiveness(this, settings, () => (this.#hasEnded = true)),
      link: { isUp: () => this.link.isUp, onRestored: (act) => this.link.onReconnect(act) },
      observer: this.observer,
      workerId: plan.id,
      incarnation: this.name,
      host: "host",
      pid: 1,
      queues: plan.queues,
      slots: plan.slots,
      functions: () => tasks.functions,
      registry: { get: (type) => (type === "function" ? tasks : undefined), types: () => ["function"] },
      taskTimeoutMs: settings.workerTimeoutMs,
      graceMs: settings.graceMs,
      shutdownTimeoutMs: settings.shutdownTimeoutMs,
      inlineLimit: settings.inlineLimit,
      attemptLogs: noLogs,
      patterns: linearPatterns(),
      secrets: secretsOf(),
      files: this.files,
      artifactLimits: DEFAULT_ARTIFACT_LIMITS,
    });
    this.worker.start().catch((error: unknown) => {
      world.note(`${this.name} could not start: ${String(error)}`);
      this.crash();
    });
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** It has said goodbye; its connections may be open for a little longer. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Drains and ends; the process is gone after. */
  async drain({ hurried }: { readonly hurried: boolean }): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const stopped = this.worker.stop();
    if (hurried) this.worker.hurry();
    await stopped;
    await this.close();
  }

  /** The same queue, but what has come to this worker is known beside it too. */
  #noteDeliveries(queue: TaskQueue, { starts }: Surroundings): TaskQueue {
    return wrapped(queue, "open", (name, onDelivery) =>
      queue.open(name, (delivery) => {
        starts.delivered(delivery.work, this);
        onDelivery(delivery);
      }),
    );
  }

  /** The same presence, but what this worker is told is known here too. */
  #overhear(presence: Presence): Presence {
    const heard = (command: WorkerCommand): void => {
      if (command.kind === "stop-run") this.toldAt.set(command.runId, this.process.world.now);
    };
    return wrapped(presence, "onCommand", (to, handler) =>
      presence.onCommand(to, (command) => {
        heard(command);
        handler(command);
      }),
    );
  }
}

/** The same port, with one verb of ours. */
function wrapped<P extends object, V extends keyof P>(port: P, verb: V, own: P[V]): P {
  return new Proxy(port, {
    get: (target, name) => {
      if (name === verb) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
