import { NotStored } from "../ports/storing.ts";
import { isPassing } from "./answers.ts";

const RETRY_MS = 250;
const PATIENCE_MS = 30_000;

/** For so many milliseconds, or until it is aborted. */
export type Patience = number | AbortSignal;

/**
 * Asks again while there is no answer: after a time-out, during an election, while the connection is down.
 * Only for questions and commands that may be given twice. Rejects with the last error when patience is over
 * (30 s), and at once with any other error, or one that is not worth it.
 */
export async function patiently<T>(
  ask: () => Promise<T>,
  patience: Patience = PATIENCE_MS,
  isWorthAsking: (error: unknown) => boolean = isPassing,
): Promise<T> {
  const giveUpAt = performance.now() + (typeof patience === "number" ? patience : Number.POSITIVE_INFINITY);
  const isOver = (): boolean =>
    performance.now() + RETRY_MS > giveUpAt || (typeof patience === "object" && patience.aborted);
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isWorthAsking(error) || isOver()) throw error;
    }
    await pause(RETRY_MS);
  }
}

/** Rejects with `NotStored` when there is no answer by then: who asks cannot go on to write. */
export async function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new NotStored({ what: "anything", why: "the server has no answer", isOpen: false });
    timer = setTimeout(() => reject(error), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Does not keep the process alive. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** Settles with the promise, or after `ms` without it. */
export async function within(promise: Promise<unknown>, ms: number): Promise<void> {
  await Promise.race([promise.catch(() => undefined), pause(ms)]);
}
