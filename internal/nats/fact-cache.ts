import type { LoggedFact } from "../core/facts.ts";

/** Facts that were read lately, by position, up to a number of bytes as they were stored. The one used longest ago goes first. */
export class FactCache {
  readonly #limit: number;
  readonly #facts = new Map<number, { readonly fact: LoggedFact; readonly bytes: number }>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** A position that is known already gets the newer fact. */
  add(fact: LoggedFact, bytes: number): void {
    this.#delete(fact.seq);
    this.#facts.set(fact.seq, { fact, bytes });
    this.#bytes += bytes;
    for (const seq of this.#facts.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.#delete(seq);
    }
  }

  get(seq: number): LoggedFact | undefined {
    const entry = this.#facts.get(seq);
    if (entry === undefined) return undefined;
    this.#facts.delete(seq);
    this.#facts.set(seq, entry);
    return entry.fact;
  }

  clear(): void {
    this.#facts.clear();
    this.#bytes = 0;
  }

  #delete(seq: number): void {
    const entry = this.#facts.get(seq);
    if (entry === undefined) return;
    this.#facts.delete(seq);
    this.#bytes -= entry.bytes;
  }
}
