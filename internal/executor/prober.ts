/**
 * Asks each worker that was not heard of lately whether it is there; one whose connection is gone again and again,
 * until it is back or dead.
 *
 * A worker that was heard needs no probe, so on a busy cluster few are sent. None waits for another's answer.
 */
import type { Clock, Timer } from "../ports/clock.ts";
import type { Presence } from "../ports/presence.ts";
import type { LiveTable, LiveWorker } from "./live-table.ts";

export interface ProberOptions {
  readonly presence: Pick<Presence, "probe" | "server">;
  readonly clock: Clock;
  readonly table: LiveTable;
  /** How long a worker may be unheard before it is probed, in milliseconds. */
  readonly intervalMs: number;
  /** The table has learned something of this worker. */
  onSign(worker: LiveWorker): void;
}

/** How often those whose connections are gone are asked. */
const AGAIN_MS = 250;
const ANSWER_MS = 1_000;

export class Prober {
  readonly #options: ProberOptions;
  /** Incarnations with a probe under way. */
  readonly #asked = new Set<string>();
  #timer: Timer | undefined;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(AGAIN_MS, () => {
      this.start();
      this.#askAll();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #askAll(): void {
    const { clock, table, presence, intervalMs } = this.#options;
    if (presence.server() === undefined) return;
    const now = clock.monotonic();
    for (const { beat, signs } of table.workers) {
      const isDue = signs.gone !== undefined || now - signs.heardAt >= intervalMs;
      if (isDue && !this.#asked.has(beat.incarnation)) void this.#ask(beat.incarnation);
    }
  }

  async #ask(incarnation: string): Promise<void> {
    const { clock, table, presence, onSign } = this.#options;
    this.#asked.add(incarnation);
    const answer = await presence.probe(incarnation, ANSWER_MS);
    this.#asked.delete(incarnation);
    const now = clock.monotonic();
    if (answer.kind === "there") table.saw(incarnation, "heard", { now, server: answer.server });
    else table.saw(incarnation, answer.kind, { now });
    const worker = table.workerOf(incarnation);
    if (worker !== undefined) onSign(worker);
  }
}
