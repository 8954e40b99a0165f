/**
 * The table of a run's task instances: a few bytes each, in arrays, so that large runs stay small.
 *
 * An instance is known by a number. The first one of each task has the task's position, so that where every task has one
 * instance the two are the same; further ones follow behind these when their task launches them.
 */
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

/** Numbers of the further instances of a task: so many from there on. */
interface Further {
  readonly from: number;
  readonly count: number;
}

export class Instances {
  /** How many tasks there are. */
  readonly #tasks: number;
  #size: number;
  #state: Uint8Array;
  #attempt: Uint32Array;
  #failures: Uint16Array;
  #losses: Uint16Array;
  #outcomeSeq: Float64Array;
  #hasOutput: Uint8Array;
  #wasBegun: Uint8Array;
  /** Of further instances: the position of their task. */
  #owner: Int32Array = new Int32Array(0);
  /** By position; without those that have one instance. */
  readonly #further = new Map<number, Further>();
  /** By position: instances that have not ended. */
  readonly #open: Int32Array;
  #openTasks: number;
  readonly #counts: Record<FoldState, number>;

  constructor(tasks: number) {
    this.#tasks = tasks;
    this.#size = tasks;
    this.#state = new Uint8Array(tasks);
    this.#attempt = new Uint32Array(tasks);
    this.#failures = new Uint16Array(tasks);
    this.#losses = new Uint16Array(tasks);
    this.#outcomeSeq = new Float64Array(tasks);
    this.#hasOutput = new Uint8Array(tasks);
    this.#wasBegun = new Uint8Array(tasks);
    this.#open = new Int32Array(tasks).fill(1);
    this.#openTasks = tasks;
    this.#counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<FoldState, number>;
    this.#counts.pending = tasks;
  }

  /** How many instances are in each state. */
  get counts(): Readonly<Record<FoldState, number>> {
    return this.#counts;
  }
  /** How many tasks have instances that have not ended. */
  get openTasks(): number {
    return this.#openTasks;
  }
  get unfinished(): number {
    return this.#counts.pending + this.#counts.retrying;
  }

  /** Numbers of those that have not ended; in no time where there are none. */
  *unfinishedOnes(): Iterable<number> {
    for (let instance = 0; this.unfinished > 0 && instance < this.#size; instance++) {
      if (this.isUnfinished(instance)) yield instance;
    }
  }

  /** How many instances the task has. */
  countOf(position: number): number {
    return 1 + (this.#further.get(position)?.count ?? 0);
  }
  /** The numbers of a task's instances, by index. */
  of(position: number): number[] {
    const { from, count } = this.#further.get(position) ?? NONE;
    return [position, ...Array.from({ length: count }, (_, i) => from + i)];
  }
  /** `undefined` when the task has no such instance. */
  numberOf(position: number, index: number): number | undefined {
    if (index === 0) return position;
    const { from, count } = this.#further.get(position) ?? NONE;
    return index > 0 && index <= count ? from + index - 1 : undefined;
  }
  positionOf(instance: number): number {
    return instance < this.#tasks ? instance : (this.#owner[instance - this.#tasks] ?? 0);
  }
  indexOf(instance: number): number {
    if (instance < this.#tasks) return 0;
    return instance + 1 - (this.#further.get(this.positionOf(instance))?.from ?? 0);
  }
  /** How many instances of the task have not ended. */
  openOf(position: number): number {
    return this.#open[position] ?? 0;
  }
  /** All instances of the task have ended. */
  hasEnded(position: number): boolean {
    return this.openOf(position) === 0;
  }

  /** A task that has one instance, which has not ended, gets `count` of them. */
  launch(position: number, count: number): void {
    if (count < 2) return;
    const from = this.#size;
    this.#grow(from + count - 1);
    this.#further.set(position, { from, count: count - 1 });
    this.#open[position] = (this.#open[position] ?? 0) + count - 1;
    this.#counts.pending += count - 1;
    const before = this.attempt(position);
    for (let instance = from; instance < this.#size; instance++) {
      this.#owner[instance - this.#tasks] = position;
      this.#attempt[instance] = before;
    }
  }

  /** The task has one instance again, which has not been tried, but for the attempt numbers: these only rise. */
  withdraw(position: number): void {
    const further = this.of(position).slice(1);
    for (const instance of further) {
      this.become(instance, "completed");
      this.#counts.completed--;
      this.#attempt[position] = Math.max(this.attempt(position), this.attempt(instance));
    }
    this.#further.delete(position);
    this.startOver(position);
  }

  state(instance: number): FoldState {
    return STATES[this.#state[instance] ?? 0] ?? "pending";
  }
  isUnfinished(instance: number): boolean {
    return (this.#state[instance] ?? FIRST_END) < FIRST_END;
  }
  become(instance: number, state: FoldState): void {
    const before = this.#state[instance] ?? 0;
    const after = CODE[state];
    this.#counts[this.state(instance)]--;
    this.#counts[state]++;
    this.#state[instance] = after;
    const ended = Number(after >= FIRST_END) - Number(before >= FIRST_END);
    if (ended === 0) return;
    const position = this.positionOf(instance);
    const wasOpen = !this.hasEnded(position);
    this.#open[position] = (this.#open[position] ?? 0) - ended;
    this.#openTasks += Number(!this.hasEnded(position)) - Number(wasOpen);
  }

  /** As if it had never been tried, but for the attempt numbers, which only rise. */
  startOver(instance: number): void {
    this.become(instance, "pending");
    this.#failures[instance] = 0;
    this.#losses[instance] = 0;
    this.#wasBegun[instance] = 0;
    this.recordOutcome(instance, 0, 0);
  }

  /** Number of the current (or last) attempt; 0 when none was ever owed. */
  attempt(instance: number): number {
    return this.#attempt[instance] ?? 0;
  }
  nextAttempt(instance: number): number {
    const attempt = this.attempt(instance) + 1;
    this.#attempt[instance] = attempt;
    this.#wasBegun[instance] = 1;
    return attempt;
  }
  /** It has an attempt of its own: not one of before it started over. */
  wasBegun(instance: number): boolean {
    return this.#wasBegun[instance] === 1;
  }

  /** Remembers where the last outcome that counts stands in the log, not what it says. */
  recordOutcome(instance: number, seq: number, hasOutput: 0 | 1): void {
    this.#outcomeSeq[instance] = seq;
    this.#hasOutput[instance] = hasOutput;
  }
  /** Position in the log; 0 for none. */
  outcomeSeq(instance: number): number {
    return this.#outcomeSeq[instance] ?? 0;
  }
  hasOutput(instance: number): boolean {
    return this.#hasOutput[instance] === 1;
  }

  failures(instance: number): number {
    return this.#failures[instance] ?? 0;
  }
  /** Uses one of `budget` failures; `false` when they are used up. */
  useFailure(instance: number, budget: number): boolean {
    return use(this.#failures, instance, budget);
  }
  useLoss(instance: number, budget: number): boolean {
    return use(this.#losses, instance, budget);
  }

  #grow(size: number): void {
    if (size > this.#state.length) {
      const room = Math.max(size, 2 * this.#state.length);
      this.#state = copied(this.#state, new Uint8Array(room));
      this.#attempt = copied(this.#attempt, new Uint32Array(room));
      this.#failures = copied(this.#failures, new Uint16Array(room));
      this.#losses = copied(this.#losses, new Uint16Array(room));
      this.#outcomeSeq = copied(this.#outcomeSeq, new Float64Array(room));
      this.#hasOutput = copied(this.#hasOutput, new Uint8Array(room));
      this.#wasBegun = copied(this.#wasBegun, new Uint8Array(room));
      this.#owner = copied(this.#owner, new Int32Array(room - this.#tasks));
    }
    this.#size = size;
  }
}

const NONE: Further = { from: 0, count: 0 };

type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

function copied<C extends Column>(from: C, to: C): C {
  to.set(from);
  return to;
}

function use(used: Uint16Array, instance: number, budget: number): boolean {
  const spent = used[instance] ?? 0;
  if (spent >= budget) return false;
  used[instance] = spent + 1;
  return true;
}
