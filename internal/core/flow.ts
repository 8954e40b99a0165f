/**
 * Flow control: how much of the work may be on its way at a time.
 * Long tasks leave no room for look-ahead (it would only hold them back from other workers); short ones need
 * it, or workers idle for a round trip after each.
 */

/** How far ahead a queue is filled, by the time its workers take for it. */
const WINDOW_AHEAD_MS = 500;
const MAX_WINDOW = 8_192;
/** Enough to start the first workers that come. */
const WINDOW_WITHOUT_WORKERS = 64;

/** How far ahead a worker takes copies that it cannot start yet. */
const PREFETCH_AHEAD_MS = 25;
const MAX_PREFETCH = 512;

/** Outcomes that a worker may have waiting to be stored; beyond, it takes nothing more. */
export const MAX_UNSTORED = 2_048;
export const MAX_UNSTORED_BYTES = 32 * 1_024 * 1_024;

/** No attempt is cheaper than its own messages. */
const CHEAPEST_MS = 0.05;

export interface QueueLoad {
  /** Of all live workers that take from the queue. */
  readonly slots: number;
  /** How long its tasks take; 0: not known yet. */
  readonly averageMs: number;
  /** How many executors fill it. */
  readonly executors: number;
}

/**
 * How many attempts of a queue one executor may have queued or running: its part of the window, and never less than
 * there are slots, since the others may have nothing to do.
 */
export function windowSize({ slots, averageMs, executors }: QueueLoad): number {
  const whole =
    slots === 0
      ? WINDOW_WITHOUT_WORKERS
      : Math.min(2 * slots + ahead(slots, averageMs, WINDOW_AHEAD_MS), MAX_WINDOW);
  return Math.max(Math.ceil(whole / Math.max(executors, 1)), Math.min(slots, whole));
}

/** How many copies a worker may hold beyond those that run. */
export function prefetchSize(slots: number, averageMs: number): number {
  return Math.min(ahead(slots, averageMs, PREFETCH_AHEAD_MS), MAX_PREFETCH);
}

function ahead(slots: number, averageMs: number, aheadMs: number): number {
  return averageMs === 0 ? 0 : Math.floor((slots * aheadMs) / Math.max(averageMs, CHEAPEST_MS));
}

/** A running average that follows the last 16 values or so; 0 before the first. */
export function nextAverage(average: number, value: number): number {
  return average === 0 ? Math.max(value, CHEAPEST_MS) : average + (value - average) / 16;
}
