/**
 * Simulated time and chance. One thing happens at a time, each followed by all that it sets off; the seed decides
 * everything, so that one seed is one history.
 */
import { SeededRandom } from "../../support/random.ts";
import { EventHeap, type SimEvent } from "./event-heap.ts";
import { Trace } from "./trace.ts";

export class Violation extends Error {
  readonly invariant: string;
  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

export class World {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly trace: Trace;
  /** Milliseconds since the beginning. */
  now = 0;
  /** The first thing that must never happen, and did. */
  violation: Violation | undefined;
  readonly #heap = new EventHeap();
  #order = 0;

  constructor(seed: number, { keepsLines }: { readonly keepsLines: boolean }) {
    this.seed = seed;
    this.random = new SeededRandom(Math.imul(seed + 1, 0x9e3779b1));
    this.trace = new Trace(keepsLines);
  }

  /** Something happens `ms` milliseconds from now. */
  after(ms: number, label: string, act: () => void): SimEvent {
    const event = { at: this.now + Math.max(0, ms), order: ++this.#order, label, act, isCancelled: false };
    this.#heap.push(event);
    return event;
  }

  /** Says what has just happened. */
  note(text: string): void {
    this.trace.add(this.now, text);
  }

  /** An invariant does not hold: the simulation ends here. */
  fail(invariant: string, message: string): void {
    this.violation ??= new Violation(invariant, message);
    this.note(`VIOLATION ${invariant}: ${message}`);
    this.note(new Error("by way of").stack ?? "");
  }

  /** Lets time pass until then, or until something happens that must not. */
  async run(until: number): Promise<void> {
    while (this.violation === undefined) {
      const next = this.#heap.nextAt > until ? undefined : this.#heap.pop();
      if (next === undefined) {
        this.now = until;
        return;
      }
      if (next.isCancelled) continue;
      this.now = next.at;
      if (next.label !== "") this.note(next.label);
      next.act();
      await settled();
    }
  }
}

/** Resolves when nothing is left that waits for a promise alone. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
