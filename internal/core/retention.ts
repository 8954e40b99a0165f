/** How much of what runs leave behind is kept, where, and for how long. */

export interface Retention {
  /** A run that ended so long ago is retired: its facts go from the log into the history. In milliseconds. */
  readonly retireAfterMs: number;
  /** With more facts than that of runs that are not retired, those that ended first are retired sooner. */
  readonly maxFacts: number;
  /** So long after it was stored a record goes, with all that is left of its run. In milliseconds. */
  readonly historyMs: number;
  /** With more records than that, the oldest go sooner. */
  readonly historyRuns: number;
  /** Also with more bytes of records than that. */
  readonly historyBytes: number;
}

/** A log that is as full as this takes no new runs: what is left of it is for the outcomes of those that it has. */
export const SUBMIT_BELOW = 0.7;
/** A log that is fuller than this is cleared of ended runs, however young. */
const ROOMY = 0.5;
/** One that is fuller than this all the same holds little but tombstones: the oldest go, with their history. */
const TIGHT = 0.65;

/** What stays in the log of a retired run: `submitted` and `retired`. */
const TOMBSTONE_FACTS = 2;

export interface Kept {
  /** What the log holds, and how much is taken of its room, or of that for values stored apart, 0 to 1. */
  readonly facts: number;
  readonly fill: number;
  /** What the history holds. */
  readonly records: number;
  readonly bytes: number;
}

/** How many facts ought to go from the log whatever their age; 0 or less when there is room. */
export function surplusFacts({ facts, fill, records }: Kept, { maxFacts }: Retention): number {
  const tooMany = facts - TOMBSTONE_FACTS * records - maxFacts;
  return Math.max(tooMany, facts * excess(fill, ROOMY));
}

/** How many records, and how many bytes of them, ought to go whatever their age; 0 or less when there is room. */
export function surplusHistory(
  { facts, fill, records, bytes }: Kept,
  { historyRuns, historyBytes }: Retention,
): { readonly records: number; readonly bytes: number } {
  const forRoom = (facts * excess(fill, TIGHT)) / TOMBSTONE_FACTS;
  return { records: Math.max(records - historyRuns, forRoom), bytes: bytes - historyBytes };
}

/** Which part of what is there is too much. */
function excess(fill: number, limit: number): number {
  return fill > limit ? (fill - limit) / fill : 0;
}
