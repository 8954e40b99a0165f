/**
 * The logs of all attempts of a worker: who prints is never held up, and what is printed is on its way a moment later.
 *
 * G1 At most a window of bytes is under way, and at most a budget waits here; of who printed most the oldest goes first.
 * G2 Attempts take turns, a batch each: who prints without end holds up nobody's log.
 * G3 What an attempt printed is under way before its outcome, unless more is than the window holds.
 * G4 An attempt that prints nothing costs nothing.
 */
import type { LogBatch, LogStream } from "../core/attempt-log.ts";
import type { AttemptOfRun } from "../core/attempt.ts";
import type { AttemptLog, AttemptLogs, LogStore } from "../ports/attempt-logs.ts";
import type { Clock } from "../ports/clock.ts";
import { Outbox } from "./attempt-log.ts";

export interface BufferedLogsOptions {
  readonly store: Pick<LogStore, "put">;
  readonly clock: Pick<Clock, "now" | "monotonic" | "after">;
  /** Of the process that writes; safe in subjects. */
  readonly incarnation: string;
  /** So much is kept of each attempt, in bytes. */
  readonly limit: number;
  /** A task logged this by its context. */
  onLine(attempt: AttemptOfRun, line: string): void;
  /** An attempt that printed something has ended; `dropped` are those of its bytes that are not kept. */
  onEnded(attempt: AttemptOfRun, printed: { readonly bytes: number; readonly dropped: number }): void;
}

/** How long what was printed waits for more. */
const FLUSH_MS = 250;
/** Of what is above the limit no more than the newest of so long goes. */
const TAIL_MS = 750;
const WINDOW = 2 * 1_024 * 1_024;
const BUDGET = 32 * 1_024 * 1_024;
/** What a batch takes beside what it holds. */
const BATCH_COST = 1_024;
/** When the budget is spent, so much more is dropped at once. */
const RELIEF = 256 * 1_024;

const encoder = new TextEncoder();

export class BufferedLogs implements AttemptLogs {
  readonly #options: BufferedLogsOptions;
  /** Something of them waits, or their end has not been told. */
  readonly #open = new Set<Outbox>();
  /** Of these, whose turn it is, the next one first. */
  readonly #ready = new Set<Outbox>();
  #writers = 0;
  #waiting = 0;
  #underWay = 0;
  #isArmed = false;
  #whenIdle: (() => void) | undefined;

  constructor(options: BufferedLogsOptions) {
    this.#options = options;
  }

  open(attempt: AttemptOfRun, workerId: string): AttemptLog {
    let outbox: Outbox | undefined;
    let isEnded = false;
    const add = (stream: LogStream, bytes: Uint8Array): void => {
      if (isEnded || bytes.length === 0) return;
      outbox ??= this.#outbox(attempt, workerId);
      this.#add(outbox, { stream, bytes });
    };
    return {
      line: (text) => {
        this.#options.onLine(attempt, text);
        add("log", encoder.encode(`${text}\n`));
      },
      print: add,
      end: () => {
        isEnded = true;
        if (outbox === undefined || outbox.isEnded) return;
        outbox.end();
        this.#open.add(outbox);
        this.#ready.add(outbox);
        this.#pump();
      },
    };
  }

  /** Resolves when all that was printed is stored, or after `ms`, with whether it is. */
  async settled(ms: number): Promise<boolean> {
    for (const outbox of this.#open) this.#ready.add(outbox);
    this.#pump();
    if (this.#isIdle) return true;
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
    const late = new Promise<void>((resolve) => {
      this.#options.clock.after(ms, resolve);
    });
    await Promise.race([idle, late]);
    return this.#isIdle;
  }

  get #isIdle(): boolean {
    return this.#open.size === 0 && this.#underWay === 0;
  }

  #outbox(attempt: AttemptOfRun, worker: string): Outbox {
    const { incarnation, limit } = this.#options;
    const { runId, task, index, attempt: number, runSeq } = attempt;
    const own = { runId, task, index, attempt: number, runSeq };
    return new Outbox({ attempt: own, worker, writer: `${incarnation}-${++this.#writers}` }, limit);
  }

  #add(outbox: Outbox, { stream, bytes }: { readonly stream: LogStream; readonly bytes: Uint8Array }): void {
    const before = outbox.weight;
    outbox.add(stream, bytes, this.#options.clock.now());
    this.#waiting += outbox.weight - before;
    this.#open.add(outbox);
    if (this.#waiting > BUDGET) this.#relieve();
    if (outbox.isFull) {
      this.#ready.add(outbox);
      this.#pump();
    } else {
      this.#arm();
    }
  }

  #relieve(): void {
    const heaviest = [...this.#open].reduce((most, each) => (each.weight > most.weight ? each : most));
    const before = heaviest.weight;
    heaviest.drop(RELIEF);
    this.#waiting += heaviest.weight - before;
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#options.clock.after(FLUSH_MS, () => this.#flush());
  }

  #flush(): void {
    this.#isArmed = false;
    const now = this.#options.clock.monotonic();
    for (const outbox of this.#open) {
      if (!outbox.isTail || outbox.isEnded || now - outbox.turnAt >= TAIL_MS) this.#ready.add(outbox);
    }
    this.#pump();
    if (this.#open.size > 0) this.#arm();
  }

  #pump(): void {
    for (const outbox of this.#ready) {
      if (this.#underWay >= WINDOW) return;
      // To the end, if there is more: others get their turn.
      this.#ready.delete(outbox);
      this.#turn(outbox);
      if (outbox.weight > 0) this.#ready.add(outbox);
      else if (!outbox.isEnded || outbox.isDone) this.#open.delete(outbox);
    }
  }

  #turn(outbox: Outbox): void {
    const before = outbox.weight;
    const batches = outbox.next();
    outbox.turnAt = this.#options.clock.monotonic();
    this.#waiting += outbox.weight - before;
    for (const batch of batches) this.#send(batch);
    if (!outbox.isDone) return;
    const { printed: bytes, dropped } = outbox;
    this.#options.onEnded(outbox.attempt, { bytes, dropped });
  }

  #send(batch: LogBatch): void {
    const weight = batch.bytes + BATCH_COST;
    this.#underWay += weight;
    void this.#options.store
      .put(batch)
      // What is lost shows itself to readers as a gap.
      .catch(() => undefined)
      .then(() => {
        this.#underWay -= weight;
        this.#pump();
        if (this.#isIdle) this.#whenIdle?.();
      });
  }
}
