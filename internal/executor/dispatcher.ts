/**
 * Keeps each queue filled with what is owed: a bounded window of attempts is queued or running, the rest waits
 * here in fair order. There is one for all runs that are driven here.
 *
 * D1 What is in the window is a set, so counts are derived from it and cannot drift.
 * D2 An attempt is enqueued only while it is current and its run is driven here, judged whenever the write is sent;
 *    enqueueing twice is harmless (the queue refuses).
 * D3 A run that has ended is purged only after its own enqueues under way are answered: a purge overtakes them.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { Owed } from "../core/change.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Observer } from "../ports/observer.ts";
import type { Pressure } from "../ports/storing.ts";
import type { QueuedAttempt, TaskQueue } from "../ports/task-queue.ts";
import { type Due, FairQueue } from "./fair-queue.ts";
import type { Enqueued } from "./losses.ts";
import type { WorkBuilder } from "./work-builder.ts";

export interface DispatcherOptions {
  readonly queue: TaskQueue;
  readonly builder: WorkBuilder;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly pressure: Pressure;
  /** How many attempts of this queue may be queued or running now. */
  windowOf(queue: string): number;
  /** Whether attempts of this run may be enqueued now: the lease of its share is held. */
  mayEnqueue(run: RunFold): boolean;
  /** No worker has this attempt, and all have had the time to say so. */
  isFree(run: RunFold, attempt: AttemptId): boolean;
  /** Log time now, in milliseconds. */
  logTime(): number;
}

interface Lane {
  readonly queue: string;
  readonly ready: FairQueue;
  readonly window: Set<Slot>;
}

/** An attempt that is queued or running. */
interface Slot {
  readonly run: RunFold;
  readonly instance: number;
  readonly attempt: number;
  readonly lane: Lane;
  sending: Promise<void> | undefined;
  /** Where it was put and when, by the monotonic clock; nothing of what was there already. */
  put?: { readonly seq: number; readonly at: number };
}

/** What its queues may still hold of a run. */
export interface Leftovers {
  readonly attempts: readonly QueuedAttempt[];
  /** Resolves when no enqueue of them is under way. */
  readonly sent: Promise<void>;
}

/** What the dispatcher knows of one run. */
interface RunSlots {
  readonly window: Map<number, Slot>;
  readonly backoffs: Set<Timer>;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #runs = new Map<RunFold, RunSlots>();
  /** The server had no room, or no answer, at the last look. */
  #isHeldUp = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Takes on attempts that have just become owed; call `pump` after. */
  add(run: RunFold, owed: readonly Due[]): void {
    for (const item of owed) {
      if (item.dueAt > this.#options.logTime()) this.#addLater(run, item);
      else this.#lane(run.taskOf(item.instance).queue).ready.push(run, item);
    }
  }

  /** Takes on what is owed of a run that another drove before. `isQueued` tells which attempts are in the queue. */
  resume(run: RunFold, owed: readonly Owed[], isQueued: (key: string) => boolean): void {
    for (const item of owed) {
      if (isQueued(this.#keyOf(run, item))) this.#occupy(run, item);
      else this.add(run, [{ ...item, mayBeHeld: true }]);
    }
  }

  /** An outcome was accepted: its attempt no longer takes a place. */
  settle(run: RunFold, instance: number, attempt: number): void {
    const slots = this.#runs.get(run);
    const slot = slots?.window.get(instance);
    if (slot === undefined || slot.attempt !== attempt) return;
    slots?.window.delete(instance);
    slot.lane.window.delete(slot);
  }

  /** Forgets a run that has ended: enqueues nothing more of it. */
  end(run: RunFold): Leftovers {
    const slots = this.#runs.get(run);
    for (const lane of this.#lanes.values()) lane.ready.drop(run);
    if (slots === undefined) return { attempts: [], sent: Promise.resolve() };
    this.#runs.delete(run);
    for (const timer of slots.backoffs) timer.cancel();
    const left = [...slots.window.values()];
    for (const slot of left) slot.lane.window.delete(slot);
    const attempts = left.map((slot) => ({ ...run.idOf(slot), queue: slot.lane.queue }));
    const sending = Promise.all(left.flatMap((slot) => slot.sending ?? []));
    return { attempts, sent: sending.then(() => undefined) };
  }

  /** Enqueues what has its turn while there is room, and the server takes what is written. */
  pump(): void {
    this.#isHeldUp = this.#options.pressure.why("queue", "values") !== undefined;
    if (this.#isHeldUp) return;
    for (const lane of this.#lanes.values()) {
      if (lane.ready.size === 0) continue;
      const room = this.#options.windowOf(lane.queue);
      while (lane.window.size < room) {
        const turn = lane.ready.take((run) => this.#mayTake(run));
        if (turn === undefined) break;
        if (turn.run.isCurrent(turn.owed.instance, turn.owed.attempt)) this.#send(turn.run, turn.owed);
      }
    }
  }

  /** Resolves when no enqueue of a run is under way. */
  async settled(run: RunFold): Promise<void> {
    const slots = this.#runs.get(run)?.window.values() ?? [];
    await Promise.all([...slots].flatMap(({ sending }) => sending ?? []));
  }

  /** What it has enqueued, as far as that is answered, and nobody has ended yet. */
  queued(): Enqueued[] {
    return [...this.#runs].flatMap(([run, { window }]) =>
      [...window.values()]
        .filter(({ sending }) => sending === undefined)
        .map((slot) => ({
          ...run.idOf(slot),
          queue: slot.lane.queue,
          partition: run.partition,
          ...slot.put,
        })),
    );
  }

  /** An attempt that it had enqueued is no longer in the queue: it is enqueued anew. */
  again(id: AttemptId): void {
    const { attempt } = id;
    for (const run of this.#runs.keys()) {
      const instance = run.runId === id.runId ? run.instanceOf(id) : undefined;
      if (instance === undefined) continue;
      this.settle(run, instance, attempt);
      this.add(run, [{ instance, attempt, dueAt: 0, mayBeHeld: true }]);
    }
  }

  /** By queue: attempts that wait here or are in the window, and of these those that are in it. */
  depths(): Map<string, { readonly depth: number; readonly queued: number }> {
    return new Map(
      [...this.#lanes.values()].map(({ queue, ready, window }) => [
        queue,
        { depth: ready.size + window.size, queued: window.size },
      ]),
    );
  }

  #mayTake(run: RunFold): boolean {
    if (!this.#options.mayEnqueue(run)) return false;
    const { maxParallel } = run.graph.dag;
    return maxParallel === undefined || this.#slotsOf(run).window.size < maxParallel;
  }

  #occupy(run: RunFold, { instance, attempt }: Owed): Slot {
    const lane = this.#lane(run.taskOf(instance).queue);
    const slot: Slot = { run, instance, attempt, lane, sending: undefined };
    lane.window.add(slot);
    this.#slotsOf(run).window.set(instance, slot);
    return slot;
  }

  #send(run: RunFold, owed: Due): void {
    const slot = this.#occupy(run, owed);
    slot.sending = this.#enqueue(slot, owed).then(
      () => {
        slot.sending = undefined;
        if (this.#isHeldUp) this.pump();
      },
      (error: unknown) => {
        slot.sending = undefined;
        this.#failed(slot, owed, error);
      },
    );
  }

  async #enqueue(slot: Slot, owed: Due): Promise<void> {
    const { run, instance, attempt } = slot;
    const { builder, queue, observer, clock, mayEnqueue } = this.#options;
    const built = builder.build(run, this.#vouchedFor(run, owed));
    const work = built instanceof Promise ? await built : built;
    const isWanted = (): boolean =>
      this.#runs.has(run) && run.isCurrent(instance, attempt) && mayEnqueue(run);
    const answer = await queue.enqueue(work, isWanted);
    if (!answer.stored && answer.unwanted) {
      this.#giveBack(slot, owed);
      return;
    }
    if (answer.stored) slot.put = { seq: answer.seq, at: clock.monotonic() };
    observer.observe({ kind: "attempt-queued", attempt: work, queue: work.queue });
  }

  /** Workers ask about each copy that is marked, so none is that need not be. */
  #vouchedFor(run: RunFold, owed: Due): Due {
    if (owed.mayBeHeld === undefined || !this.#options.isFree(run, run.idOf(owed))) return owed;
    const { mayBeHeld: _, ...free } = owed;
    return free;
  }

  /** It was not to be sent just then; it waits, if it is owed, and may have been stored by an earlier try. */
  #giveBack({ run, instance, attempt, lane }: Slot, owed: Due): void {
    this.settle(run, instance, attempt);
    if (this.#runs.has(run)) lane.ready.push(run, { ...owed, mayBeHeld: true });
  }

  /** The attempt is still owed: it goes back and is tried again a little later; it may have been stored all the same. */
  #failed(slot: Slot, owed: Due, error: unknown): void {
    this.settle(slot.run, slot.instance, slot.attempt);
    this.#options.observer.observe({
      kind: "trouble",
      what: `enqueueing ${this.#keyOf(slot.run, owed)}`,
      error: String(error),
    });
    if (this.#runs.has(slot.run)) {
      this.#addLater(slot.run, { ...owed, dueAt: this.#options.logTime() + 1_000, mayBeHeld: true });
    }
  }

  #addLater(run: RunFold, owed: Due): void {
    const { backoffs } = this.#slotsOf(run);
    const timer = this.#options.clock.after(owed.dueAt - this.#options.logTime(), () => {
      backoffs.delete(timer);
      this.#lane(run.taskOf(owed.instance).queue).ready.push(run, owed);
      this.pump();
    });
    backoffs.add(timer);
  }

  #lane(queue: string): Lane {
    let lane = this.#lanes.get(queue);
    if (lane === undefined) {
      lane = { queue, ready: new FairQueue(), window: new Set() };
      this.#lanes.set(queue, lane);
    }
    return lane;
  }

  #slotsOf(run: RunFold): RunSlots {
    let slots = this.#runs.get(run);
    if (slots === undefined) {
      slots = { window: new Map(), backoffs: new Set() };
      this.#runs.set(run, slots);
    }
    return slots;
  }

  #keyOf(run: RunFold, owed: Owed): string {
    return attemptKey(run.idOf(owed));
  }
}
