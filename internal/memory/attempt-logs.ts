/** The logs of attempts in one process. */
import type { LogBatch } from "../core/attempt-log.ts";
import { attemptKey } from "../core/attempt.ts";
import type { LogFollower, LogHandlers, LogsOf, LogStore } from "../ports/attempt-logs.ts";
import type { Clock } from "../ports/clock.ts";

const MAX_BYTES = 16 * 1_024 * 1_024;

interface Kept {
  readonly batch: LogBatch;
  readonly time: number;
}

export class MemoryLogs implements LogStore {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  /** By attempt, writer and slot, in the order in which they were stored. */
  readonly #kept = new Map<string, Kept>();
  readonly #followers = new Set<(batch: LogBatch) => void>();
  #bytes = 0;
  #hasLost = false;

  /** `maxBytes`: so much text is kept. Default 16 MiB. */
  constructor(clock: Clock, maxBytes = MAX_BYTES) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  async put(batch: LogBatch): Promise<void> {
    const key = `${attemptKey(batch.attempt)}.${batch.writer}.${batch.slot}`;
    this.#forget(key);
    this.#kept.set(key, { batch, time: this.#clock.now() });
    this.#bytes += batch.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#forget(oldest);
      this.#hasLost = true;
    }
    for (const follower of this.#followers) follower(batch);
  }

  async read(which: LogsOf, onBatch: (batch: LogBatch) => void): Promise<void> {
    for (const { batch } of [...this.#kept.values()]) if (isOf(batch, which)) onBatch(batch);
  }

  async follow(which: LogsOf, { batch: onBatch, caughtUp }: LogHandlers): Promise<LogFollower> {
    await this.read(which, onBatch);
    caughtUp();
    const follower = (batch: LogBatch): void => {
      if (isOf(batch, which)) onBatch(batch);
    };
    this.#followers.add(follower);
    return { reached: async () => undefined, stop: async () => void this.#followers.delete(follower) };
  }

  async since(): Promise<number | undefined> {
    if (!this.#hasLost) return undefined;
    const [oldest] = this.#kept.values();
    return oldest?.time ?? this.#clock.now();
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.batch.bytes;
  }
}

function isOf({ attempt: own }: LogBatch, { runId, task, index, attempt }: LogsOf): boolean {
  return (
    own.runId === runId &&
    (task === undefined || own.task === task) &&
    (index === undefined || own.index === index) &&
    (attempt === undefined || own.attempt === attempt)
  );
}
