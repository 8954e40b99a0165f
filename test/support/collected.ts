import { until } from "./until.ts";

/** What came so far, and waiting for more. */
export class Collected<T> {
  readonly items: T[] = [];
  readonly add = (item: T): void => void this.items.push(item);

  /** Resolves once so many have come. */
  async reach(count: number): Promise<readonly T[]> {
    await until(
      () => this.items.length >= count,
      () => ({ wanted: count, came: this.items.length, newest: this.items.slice(-3) }),
    );
    return this.items;
  }
}
