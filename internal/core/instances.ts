/** The table of a run's task instances: a few bytes each, in arrays by position, so that large runs stay small. */
import type { InstanceEndState } from "./facts.ts";

/** States the fold knows; `queued` and `running` are observations made elsewhere. */
export type FoldState = "pending" | "retrying" | InstanceEndState;

const STATES = [
  "pending",
  "retrying",
  "completed",
  "failed",
  "crashed",
  "cancelled",
  "skipped",
  "filtered",
  "upstream_failed",
] as const satisfies readonly FoldState[];

const CODE = Object.fromEntries(STATES.map((state, code) => [state, code])) as Record<FoldState, number>;
const FIRST_END = CODE.completed;

export class Instances {
  readonly #state: Uint8Array;
  readonly #attempt: Uint32Array;
  readonly #failures: Uint16Array;
  readonly #losses: Uint16Array;
  readonly #outcomeSeq: Float64Array;
  readonly #hasOutput: Uint8Array;
  readonly #counts: Record<FoldState, number>;

  constructor(size: number) {
    this.#state = new Uint8Array(size);
    this.#attempt = new Uint32Array(size);
    this.#failures = new Uint16Array(size);
    this.#losses = new Uint16Array(size);
    this.#outcomeSeq = new Float64Array(size);
    this.#hasOutput = new Uint8Array(size);
    this.#counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<FoldState, number>;
    this.#counts.pending = size;
  }

  /** How many instances are in each state. */
  get counts(): Readonly<Record<FoldState, number>> {
    return this.#counts;
  }
  get unfinished(): number {
    return this.#counts.pending + this.#counts.retrying;
  }

  state(position: number): FoldState {
    return STATES[this.#state[position] ?? 0] ?? "pending";
  }
  isUnfinished(position: number): boolean {
    return (this.#state[position] ?? FIRST_END) < FIRST_END;
  }
  become(position: number, state: FoldState): void {
    this.#counts[this.state(position)]--;
    this.#counts[state]++;
    this.#state[position] = CODE[state];
  }

  /** As if it had never been tried, but for the attempt numbers, which only rise. */
  startOver(position: number): void {
    this.become(position, "pending");
    this.#failures[position] = 0;
    this.#losses[position] = 0;
    this.recordOutcome(position, 0, 0);
  }

  /** Number of the current (or last) attempt; 0 when none was ever owed. */
  attempt(position: number): number {
    return this.#attempt[position] ?? 0;
  }
  nextAttempt(position: number): number {
    const attempt = this.attempt(position) + 1;
    this.#attempt[position] = attempt;
    return attempt;
  }

  /** Remembers where the last outcome that counts stands in the log, not what it says. */
  recordOutcome(position: number, seq: number, hasOutput: 0 | 1): void {
    this.#outcomeSeq[position] = seq;
    this.#hasOutput[position] = hasOutput;
  }
  /** Position in the log; 0 for none. */
  outcomeSeq(position: number): number {
    return this.#outcomeSeq[position] ?? 0;
  }
  hasOutput(position: number): boolean {
    return this.#hasOutput[position] === 1;
  }

  failures(position: number): number {
    return this.#failures[position] ?? 0;
  }
  /** Uses one of `budget` failures; `false` when they are used up. */
  useFailure(position: number, budget: number): boolean {
    return use(this.#failures, position, budget);
  }
  useLoss(position: number, budget: number): boolean {
    return use(this.#losses, position, budget);
  }
}

function use(used: Uint16Array, position: number, budget: number): boolean {
  const spent = used[position] ?? 0;
  if (spent >= budget) return false;
  used[position] = spent + 1;
  return true;
}
