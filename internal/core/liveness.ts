/**
 * Verdicts about workers and attempts, from observations alone. All times are milliseconds of the observer's
 * monotonic clock.
 *
 * What is seen of a worker is one of three things: it was heard; nobody hears in its place, so its connection is
 * gone; or no answer came in time, which says nothing: it may be slow, frozen or cut off, and so may we.
 */

export interface LivenessLimits {
  /** A worker that was not heard of for so long is dead, in milliseconds. Default 30,000. */
  readonly deadAfterMs: number;
  /** A worker whose connection is gone for so long is dead, in milliseconds, where the path to it is known good. Default 2,000. */
  readonly goneAfterMs: number;
  /** What an attempt may take beyond its own time limit to end by itself, in milliseconds. */
  readonly overtimeMs: number;
}

export type Sign = "heard" | "gone" | "late";

/** By which sign a worker is known to be dead. */
export type DeathSign = "silent" | "connection-gone";

/** What was seen of one worker so far. */
export interface Signs {
  readonly heardAt: number;
  /** It was not heard since the observer itself could not hear: that it is gone may be our doing. */
  readonly isExcused: boolean;
  /** First and last time in a row that its connection was gone. */
  readonly gone?: { readonly since: number; readonly seenAt: number };
}

/** Nothing is known of the time between two looks that are further apart. */
const LOOK_GAP_MS = 1_000;

export function withSign(signs: Signs, sign: Sign, now: number): Signs {
  const { heardAt, isExcused, gone } = signs;
  switch (sign) {
    case "heard":
      return { heardAt: now, isExcused: false };
    case "late":
      return { heardAt, isExcused };
    case "gone": {
      const since = gone !== undefined && now - gone.seenAt <= LOOK_GAP_MS ? gone.since : now;
      return { heardAt, isExcused, gone: { since, seenAt: now } };
    }
  }
}

/** What counts from the moment when the observer can hear again: everybody has a full term. */
export function excused(now: number): Signs {
  return { heardAt: now, isExcused: true };
}

/** The sign by which it is dead; nothing while it is to be taken for alive. */
export function deathSignOf(
  { heardAt, isExcused, gone }: Signs,
  { now, isPathGood }: { readonly now: number; readonly isPathGood: boolean },
  limits: LivenessLimits,
): DeathSign | undefined {
  if (now - heardAt > limits.deadAfterMs) return "silent";
  if (gone === undefined || isExcused || !isPathGood) return undefined;
  return gone.seenAt - gone.since >= limits.goneAfterMs ? "connection-gone" : undefined;
}

/** A worker in its place. */
export interface Placed {
  readonly host: string;
  /** The NATS server by which it was last heard. */
  readonly server: string;
  readonly signs: Signs;
}

/**
 * Whether a connection that is gone says something of its worker, and not of the path to it: the worker was on our
 * own server, or another one who is on its server was heard since. Where workers of several hosts went at once, it
 * was something that they share.
 */
export function isPathGood(
  worker: Placed,
  all: Iterable<Placed>,
  { ownServer, limits }: { readonly ownServer: string; readonly limits: LivenessLimits },
): boolean {
  const { gone } = worker.signs;
  if (gone === undefined) return true;
  let isServerHeard = worker.server === ownServer;
  for (const other of all) {
    const otherGone = other.signs.gone;
    if (otherGone === undefined) {
      isServerHeard ||= other.server === worker.server && other.signs.heardAt > gone.since;
    } else if (other.host !== worker.host && Math.abs(otherGone.since - gone.since) < limits.goneAfterMs) {
      return false;
    }
  }
  return isServerHeard;
}

/** The worker should have ended it long ago; whoever claims it, its time is over. */
export function isOverdue(heldMs: number, timeoutMs: number, limits: LivenessLimits): boolean {
  return heldMs > timeoutMs + limits.overtimeMs;
}

const BLOCKED_MS = 1_000;

/** A loop that has not turned for so long is worth telling. */
export function isBlocked(blockedMs: number): boolean {
  return blockedMs >= BLOCKED_MS;
}
