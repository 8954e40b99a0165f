import type { LoggedFact } from "../core/facts.ts";

/** The newest facts, by position, up to a number of bytes as they were stored. */
export class FactCache {
  readonly #limit: number;
  readonly #facts = new Map<number, { readonly fact: LoggedFact; readonly bytes: number }>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  add(fact: LoggedFact, bytes: number): void {
    if (this.#facts.has(fact.seq)) return;
    this.#facts.set(fact.seq, { fact, bytes });
    this.#bytes += bytes;
    for (const [seq, oldest] of this.#facts) {
      if (this.#bytes <= this.#limit) return;
      this.#facts.delete(seq);
      this.#bytes -= oldest.bytes;
    }
  }

  get(seq: number): LoggedFact | undefined {
    return this.#facts.get(seq)?.fact;
  }
}
