/** History and checkpoints in one process. */
import type { LoggedFact } from "../core/facts.ts";
import type { Checkpoint, Checkpoints } from "../ports/checkpoints.ts";
import type { Clock } from "../ports/clock.ts";
import type { History, HistorySize, RecordEntry, RecordKey } from "../ports/history.ts";

/** What a fact takes, or so. */
const FACT_BYTES = 200;

interface StoredRecord {
  readonly entry: RecordEntry;
  readonly facts: readonly LoggedFact[];
}

export class MemoryHistory implements History {
  readonly #clock: Clock;
  /** The one that was stored last at the end. */
  readonly #records = new Map<string, StoredRecord>();
  #position = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async put({ runId, partition, seq }: RecordKey, facts: readonly LoggedFact[]): Promise<void> {
    const key = keyOf({ runId, partition, seq });
    this.#records.delete(key);
    const about = { position: ++this.#position, storedAt: this.#clock.now() };
    const entry = { runId, partition, seq, ...about, bytes: facts.length * FACT_BYTES };
    this.#records.set(key, { entry, facts: [...facts] });
  }

  async get(run: RecordKey): Promise<LoggedFact[] | undefined> {
    const record = this.#records.get(keyOf(run));
    return record === undefined ? undefined : [...record.facts];
  }

  async oldest(limit: number, after = 0): Promise<RecordEntry[]> {
    const entries = [...this.#records.values()].map(({ entry }) => entry);
    return entries.filter(({ position }) => position > after).slice(0, limit);
  }

  async size(): Promise<HistorySize> {
    const bytes = [...this.#records.values()].reduce((sum, { entry }) => sum + entry.bytes, 0);
    return { records: this.#records.size, bytes };
  }

  async remove(run: RecordKey): Promise<void> {
    this.#records.delete(keyOf(run));
  }
}

function keyOf({ runId, partition, seq }: RecordKey): string {
  return `${partition}.${runId}.${seq}`;
}

export class MemoryCheckpoints implements Checkpoints {
  readonly #checkpoints = new Map<number, Checkpoint>();

  async get(share: number): Promise<Checkpoint | undefined> {
    return this.#checkpoints.get(share);
  }
  async put(share: number, checkpoint: Checkpoint): Promise<void> {
    this.#checkpoints.set(share, checkpoint);
  }
}
