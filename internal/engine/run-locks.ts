/** One change of a run at a time in this process; other processes are kept apart by the store. */
export class RunLocks {
  readonly #tails = new Map<string, Promise<unknown>>();

  async run<T>(runId: string, act: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(runId) ?? Promise.resolve();
    const own = before.then(act, act);
    this.#tails.set(runId, own);
    try {
      return await own;
    } finally {
      if (this.#tails.get(runId) === own) this.#tails.delete(runId);
    }
  }
}
