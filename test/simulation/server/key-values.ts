/** A bucket whose keys expire, all after one time; it goes on while the server is down. */
export interface Entry {
  readonly value: string;
  readonly revision: number;
}

interface StoredEntry extends Entry {
  readonly until: number;
}

/** `undefined`: the key was deleted. */
type Listener = (key: string, value: string | undefined) => void;

export class KeyValues {
  readonly #listeners = new Set<Listener>();
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

  /** All that has not expired. */
  get entries(): [string, Entry][] {
    return [...this.#entries.keys()].flatMap((key) => {
      const entry = this.get(key);
      return entry === undefined ? [] : [[key, entry]];
    });
  }

  /** Hears of every write; not of what expires. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `previous`: the revision that it must have, 0 for none. `undefined`: it has another. */
  put(key: string, value: string, previous: number): number | undefined {
    if ((this.get(key)?.revision ?? 0) !== previous) return undefined;
    const entry = { value, revision: ++this.#revision, until: this.#now() + this.#ttlMs };
    this.#entries.set(key, entry);
    for (const listener of this.#listeners) listener(key, value);
    return entry.revision;
  }

  delete(key: string, previous: number): boolean {
    if ((this.get(key)?.revision ?? 0) !== previous) return false;
    this.#entries.delete(key);
    for (const listener of this.#listeners) listener(key, undefined);
    return true;
  }
}
