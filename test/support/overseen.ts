/** An executor service on memory ports, and workers that are no more than what they tell and how they answer probes. */
import type { AttemptId } from "../../internal/core/attempt.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { ExecutorService } from "../../internal/executor/service.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import type {
  Heartbeat,
  PresenceHandlers,
  ProbeAnswer,
  WorkerCommand,
} from "../../internal/ports/presence.ts";
import type { Delivery } from "../../internal/ports/task-queue.ts";
import { HEARTBEAT } from "../conformance/samples.ts";
import { dag, task } from "./dags.ts";
import { ManualClock } from "./manual-clock.ts";
import { DEAD_MS, memoryExecutor } from "./memory-executor.ts";

const HEARTBEAT_MS = 10_000;
export const THERE: ProbeAnswer = { kind: "there", server: "memory" };
export const GONE: ProbeAnswer = { kind: "gone" };
export const LATE: ProbeAnswer = { kind: "late" };

export class Overseen {
  readonly clock = new ManualClock();
  readonly cluster = new MemoryCluster({ clock: this.clock, ackWaitMs: 600_000 });
  readonly seen: Observation[] = [];
  readonly commands: { readonly command: WorkerCommand; readonly to: string | undefined }[] = [];
  readonly #workers = new Map<string, TestWorker>();
  readonly #watchers: PresenceHandlers[] = [];
  readonly service: ExecutorService;
  /** Whether the executor's own connection stands. */
  isConnected = true;

  private constructor(deadAfterMs: number) {
    this.#listen();
    this.service = memoryExecutor(this.cluster, {
      clock: this.clock,
      observer: { observe: (observation) => void this.seen.push(observation) },
      limits: { deadAfterMs, goneAfterMs: 2_000, overtimeMs: DEAD_MS },
    });
  }

  static async start({ deadAfterMs = DEAD_MS }: { readonly deadAfterMs?: number } = {}): Promise<Overseen> {
    const overseen = new Overseen(deadAfterMs);
    await overseen.service.start();
    return overseen;
  }

  worker(name: string, more: Partial<Heartbeat> = {}): TestWorker {
    const worker = new TestWorker(this, name, more);
    this.#workers.set(name, worker);
    return worker;
  }

  reconnected(): void {
    this.isConnected = true;
    for (const watcher of this.#watchers) watcher.reconnected();
  }

  async submit(...tasks: string[]): Promise<string> {
    const { runId } = await this.service.submit({ dag: dag(tasks.map((id) => task(id))) });
    await this.clock.advance(0);
    return runId;
  }

  async outcomesOf(runId: string): Promise<Outcome[]> {
    await this.clock.advance(0);
    return (await this.cluster.log.factsOf(runId)).flatMap(({ fact }) =>
      fact.kind === "outcomes" ? fact.items : [],
    );
  }

  /** Who was declared dead, and by which sign. */
  get deaths(): [string, string][] {
    return this.seen.flatMap((each) => (each.kind === "worker-dead" ? [[each.workerId, each.sign]] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopping = this.service.stop();
    await this.clock.advance(DEAD_MS);
    await stopping;
  }

  #listen(): void {
    const { presence } = this.cluster;
    const { watch } = presence;
    presence.probe = async (incarnation) => this.#workers.get(incarnation)?.answer ?? GONE;
    presence.server = () => (this.isConnected ? "memory" : undefined);
    presence.watch = async (handlers) => {
      this.#watchers.push(handlers);
      return watch.call(presence, handlers);
    };
    presence.command = (command, to) => {
      this.commands.push({ command, to });
      if (command.kind !== "report") return;
      for (const worker of this.#workers.values()) {
        if (to === undefined || to === worker.incarnation) worker.beat();
      }
    };
  }
}

/** Beats every 10 s and answers `report`, as long as it answers probes; what it holds is what a test says. */
export class TestWorker {
  readonly incarnation: string;
  readonly #of: Overseen;
  readonly #deliveries: Delivery[] = [];
  answer: ProbeAnswer = THERE;
  held: AttemptId[] = [];
  more: Partial<Heartbeat>;
  #heldSince = 0;
  #timer: { cancel(): void } | undefined;

  constructor(of: Overseen, incarnation: string, more: Partial<Heartbeat>) {
    this.#of = of;
    this.incarnation = incarnation;
    this.more = more;
    this.beat();
  }

  beat(): void {
    this.#timer?.cancel();
    this.#timer = this.#of.clock.after(HEARTBEAT_MS, () => this.beat());
    if (this.answer.kind !== "there") return;
    this.#of.cluster.presence.heartbeat({
      ...HEARTBEAT,
      workerId: this.incarnation,
      incarnation: this.incarnation,
      host: this.incarnation,
      server: "memory",
      queues: ["default"],
      told: 0,
      blockedMs: 0,
      held: this.held.map((each) => ({
        ...each,
        queue: "default",
        partition: 0,
        heldMs: this.#of.clock.monotonic() - this.#heldSince,
      })),
      ...this.more,
    });
  }

  /** Pulls so many attempts from the queue and says nothing of it. */
  async pulls(n: number): Promise<void> {
    const { cluster, clock } = this.#of;
    const intake = await cluster.queue.open("default", (delivery) => void this.#deliveries.push(delivery));
    intake.demand(n);
    await clock.advance(0);
  }

  /** Says what it has pulled. */
  tells(): void {
    this.held = this.#deliveries.map(({ work }) => work);
    this.#heldSince = this.#of.clock.monotonic();
    this.beat();
  }
}
