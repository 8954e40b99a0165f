/** A bucket whose keys expire, all after one time; it goes on while the server is down. */
export interface Entry {
  readonly value: string;
  readonly revision: number;
}

interface StoredEntry extends Entry {
  readonly until: number;
}

export class KeyValues {
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #entries = new Map<string, StoredEntry>();
  #revision = 0;

  /** `now`: the server's own time, never stepping. */
  constructor(ttlMs: number, now: () => number) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#now() < entry.until ? entry : undefined;
  }

  /** `previous`: the revision that it must have, 0 for none. `undefined`: it has another. */
  put(key: string, value: string, previous: number): number | undefined {
    if ((this.get(key)?.revision ?? 0) !== previous) return undefined;
    const entry = { value, revision: ++this.#revision, until: this.#now() + this.#ttlMs };
    this.#entries.set(key, entry);
    return entry.revision;
  }

  delete(key: string, previous: number): boolean {
    if ((this.get(key)?.revision ?? 0) !== previous) return false;
    this.#entries.delete(key);
    return true;
  }
}
