/**
 * The history: what is kept of runs that have ended once the log lets go of their facts, one record a run.
 *
 * H1 A record is there whole or not at all, also when whoever wrote it died on the way.
 * H2 A run that is recorded again has the newer record.
 * H3 Nothing goes by itself.
 */
import type { LoggedFact } from "../core/facts.ts";
import type { RunKey } from "./run-log.ts";

/** Names a run for ever: an id may be used again once nothing is left of the run that had it. */
export interface RecordKey extends RunKey {
  /** Position of the run's `submitted`. */
  readonly seq: number;
}

export interface RecordEntry extends RecordKey {
  /** Its place among the records: the higher, the later it was stored. */
  readonly position: number;
  /** What the record takes. */
  readonly bytes: number;
  /** When it was stored, in milliseconds since 1970. */
  readonly storedAt: number;
}

export interface HistorySize {
  /** How many records there are; a large one may count several times. */
  readonly records: number;
  readonly bytes: number;
}

export interface History {
  /** Stores what the log held of a run. */
  put(run: RecordKey, facts: readonly LoggedFact[]): Promise<void>;
  /** The facts, as the log had them; `undefined` when there is no record of the run. */
  get(run: RecordKey): Promise<LoggedFact[] | undefined>;
  /** The records that were stored first, or first after a position (default 0), `limit` of them at most, oldest first. */
  oldest(limit: number, after?: number): Promise<RecordEntry[]>;
  size(): Promise<HistorySize>;
  /** Removes the record of a run; one that is gone already is no error. */
  remove(run: RecordKey): Promise<void>;
}
