/** The real executor service in a simulated process. */
import { windowSize } from "../../../internal/core/flow.ts";
import { ExecutorService } from "../../../internal/executor/service.ts";
import { Program, type Surroundings } from "./program.ts";

export class SimExecutor extends Program {
  readonly service: ExecutorService;
  #isStopping = false;

  constructor(name: string, standsIn: boolean, surroundings: Surroundings) {
    super(name, surroundings);
    const { settings, world } = surroundings;
    this.service = new ExecutorService({
      ...this.ports,
      observer: this.observer,
      limits: {
        deadAfterMs: settings.deadAfterMs,
        goneAfterMs: settings.goneAfterMs,
        overtimeMs: settings.graceMs + settings.deadAfterMs,
      },
      probeIntervalMs: settings.probeIntervalMs,
      ...(settings.retention === undefined ? {} : { retention: settings.retention }),
      ...(settings.taskTimeoutMs === undefined ? {} : { taskTimeoutMs: settings.taskTimeoutMs }),
      lossCap: settings.lossCap,
      inlineLimit: settings.inlineLimit,
      fanOutLimit: settings.fanOutLimit,
      windowOf: windowSize,
      workers: [],
      standsIn,
      registry: { register: () => undefined },
    });
    this.service.start().catch((error: unknown) => {
      // The program gives up; whoever keeps it running starts it again.
      world.note(`${this.name} could not start: ${String(error)}`);
      this.crash();
    });
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Ends in order; the process is gone after. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await this.service.stop();
    await this.close();
  }
}
