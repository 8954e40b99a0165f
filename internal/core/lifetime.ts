/** Where a run is in its life: which generation goes on, and whether and how it has ended. */
import type { RunEndState } from "./facts.ts";

export class Lifetime {
  #gen = 0;
  #begunSeq: number;
  #begunAt: number;
  #end: RunEndState | undefined;
  #endedAt = 0;
  #message = "";
  #announced = -1;
  #isRetired = false;

  /** Begins with the run's submission. */
  constructor({ seq, time }: { readonly seq: number; readonly time: number }) {
    this.#begunSeq = seq;
    this.#begunAt = time;
  }

  get gen(): number {
    return this.#gen;
  }
  get begunSeq(): number {
    return this.#begunSeq;
  }
  get begunAt(): number {
    return this.#begunAt;
  }
  get end(): RunEndState | undefined {
    return this.#end;
  }
  get endedAt(): number {
    return this.#endedAt;
  }
  get message(): string {
    return this.#message;
  }
  /** A log that lost its end may hold the announcement before what it announces. */
  get isAnnounced(): boolean {
    return this.#end !== undefined && (this.#announced === this.#gen || this.#isRetired);
  }
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** A retry begins the next generation. */
  goOn(gen: number, { seq, time }: { readonly seq: number; readonly time: number }): void {
    this.#gen = gen;
    this.#begunSeq = seq;
    this.#begunAt = time;
    this.#end = undefined;
    this.#message = "";
  }

  finish(end: RunEndState, message: string, time: number): void {
    this.#end = end;
    this.#message = message;
    this.#endedAt = time;
  }

  announce(gen: number): void {
    if (gen === this.#gen) this.#announced = gen;
  }

  /** Nothing follows any more, and this was the last generation: the retries that led to it may be gone from the log. */
  retire(gen: number): void {
    this.#gen = Math.max(this.#gen, gen);
    this.#isRetired = true;
  }
}
