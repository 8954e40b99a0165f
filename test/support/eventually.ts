/** Waiting for what happens in its own time, with a deadline that tells how far it came. */

const DEADLINE_MS = 15_000;
const POLL_MS = 5;

export interface EventuallyOptions {
  /** Shown when the deadline passes. */
  state?(): unknown;
  readonly deadlineMs?: number;
}

/** Resolves as soon as `isSo` gives true; rejects at the deadline with what was waited for and the state. */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { state, deadlineMs = DEADLINE_MS }: EventuallyOptions = {},
): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) {
      const shown = state === undefined ? "" : `; it is: ${JSON.stringify(state(), null, 1)}`;
      throw new Error(`not within ${deadlineMs} ms: ${what}${shown}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}

/** What came so far, and waiting for more. */
export class Collected<T> {
  readonly items: T[] = [];
  readonly add = (item: T): void => void this.items.push(item);

  async reach(count: number, what = "items"): Promise<readonly T[]> {
    await eventually(`${count} ${what}`, () => this.items.length >= count, {
      state: () => ({ count: this.items.length, newest: this.items.slice(-5) }),
    });
    return this.items;
  }
}
