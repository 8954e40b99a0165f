/**
 * Puts the logs of many attempts into one order, that of time. They are stored nearly in it: so much is looked at
 * together as memory allows, and what is near its end is looked at again with what comes after.
 */
import type { LogBatch, LogEntry } from "./attempt-log.ts";
import { LogLines } from "./log-lines.ts";

/** So much text is looked at together, in bytes. */
const TOGETHER = 32 * 1_024 * 1_024;
/** What was stored later may be older by so much. */
const OVERLAP_MS = 5_000;

export class LogMerge {
  readonly #lines: LogLines;
  readonly #together: number;
  #batches: LogBatch[] = [];
  #entries: LogEntry[] = [];
  #bytes = 0;

  /** `together`: so much text is looked at together, in bytes. Default 32 MiB. */
  constructor(lines: LogLines, together = TOGETHER) {
    this.#lines = lines;
    this.#together = together;
  }

  /** Returns what is known to be next. */
  take(batch: LogBatch): LogEntry[] {
    this.#batches.push(batch);
    this.#bytes += batch.bytes;
    if (this.#bytes < this.#together) return [];
    const newest = this.#sort();
    const end = this.#entries.findIndex(({ time }) => time > newest - OVERLAP_MS);
    return this.#entries.splice(0, end === -1 ? this.#entries.length : end);
  }

  /** The rest, with the lines that have no end. */
  end(): LogEntry[] {
    this.#sort();
    const open = this.#lines.openLines();
    return [...this.#entries.splice(0), ...open].toSorted((a, b) => a.time - b.time);
  }

  /** Returns the newest time. */
  #sort(): number {
    // A batch whose first try to be stored failed may stand behind its successors.
    const batches = this.#batches.splice(0).toSorted((a, b) => a.from - b.from);
    this.#bytes = 0;
    for (const batch of batches) for (const entry of this.#lines.take(batch)) this.#entries.push(entry);
    this.#entries.sort((a, b) => a.time - b.time);
    return this.#entries.at(-1)?.time ?? 0;
  }
}
