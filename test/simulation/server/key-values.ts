/** A bucket whose keys expire, all after one time; it goes on while the server is down. */
export interface Entry {
  readonly key: string;
  /** Absent when it was deleted. */
  readonly value: string | undefined;
  readonly revision: number;
  /** When it was written, by the server's own time that never steps. */
  readonly at: number;
}

export class KeyValues {
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(entry: Entry) => void>();
  #revision = 0;

  constructor(ttlMs: number, now: () => number) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  get(key: string): (Entry & { readonly value: string }) | undefined {
    const entry = this.#live(this.#entries.get(key));
    return entry?.value === undefined ? undefined : { ...entry, value: entry.value };
  }

  /** Those from this revision on that have not expired, deletions too. */
  since(revision: number): Entry[] {
    const live = [...this.#entries.values()].filter((entry) => this.#live(entry) !== undefined);
    return live.filter((entry) => entry.revision >= revision).toSorted((a, b) => a.revision - b.revision);
  }

  /** Nobody is told of what expires. */
  listen(listener: (entry: Entry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `previous`: the revision that it must have, 0 for none. `undefined`: it has another. */
  put(key: string, value: string, previous: number): number | undefined {
    return this.#write(key, value, previous);
  }

  delete(key: string, previous: number): void {
    this.#write(key, undefined, previous);
  }

  #write(key: string, value: string | undefined, previous: number): number | undefined {
    if ((this.get(key)?.revision ?? 0) !== previous) return undefined;
    const entry = { key, value, revision: ++this.#revision, at: this.#now() };
    this.#entries.set(key, entry);
    for (const listener of this.#listeners) listener(entry);
    return entry.revision;
  }

  #live(entry: Entry | undefined): Entry | undefined {
    return entry !== undefined && this.#now() < entry.at + this.#ttlMs ? entry : undefined;
  }
}
