/**
 * What the engine needs to keep: events, a list for each run, which only grows. Any database can do it, by a table with
 * the key (run, number).
 *
 * E1 `append` is atomic: of two events of the same number one is stored, and the other caller is told.
 * E2 Once `append` has resolved with true, the event outlives the process, and `read` gives it, to everybody.
 * E3 `append` may reject, and the event may be there all the same, at once or later: the engine then reads what came of it.
 * E4 Events are JSON, and come back as they were.
 */
import type { JsonObject } from "../core/json.ts";

export interface EventStore {
  /** Stores an event as number `number` of the run, from 1 on. Resolves with false when there is one of that number. */
  append(runId: string, number: number, event: JsonObject): Promise<boolean>;
  /** The events of a run from number `from` on, in order; none when there is no such run. */
  read(runId: string, from: number): Promise<readonly JsonObject[]>;
}
