/** The clock and the chance of the machine that we run on. */
import { randomBytes } from "node:crypto";
import type { Clock, Random, Timer } from "../ports/clock.ts";

/** `setTimeout` takes no more; a longer wait is made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: startTimer,
  soon: (fn) => void setImmediate(fn),
  stayAlive: () => {
    const handle = setInterval(() => undefined, LONGEST_TIMER_MS);
    return { cancel: () => clearInterval(handle) };
  },
};

export const systemRandom: Random = {
  // With a letter first: one that begins with - would be taken for a flag.
  id: () => `r${randomBytes(12).toString("base64url")}`,
};

function startTimer(ms: number, fn: () => void): Timer {
  let handle: NodeJS.Timeout;
  const wait = (left: number): void => {
    const step = Math.min(Math.max(left, 0), LONGEST_TIMER_MS);
    handle = setTimeout(() => (step < left ? wait(left - step) : fn()), step);
    handle.unref();
  };
  wait(ms);
  return { cancel: () => clearTimeout(handle) };
}
