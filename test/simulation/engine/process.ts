/**
 * A simulated process. It may crash at any await: what it waits for never comes, its timers never fire. It may stand
 * still and wake later: all that came meanwhile is there at once, and its timers are late.
 */
import { hash32 } from "../../../internal/core/hash.ts";
import type { Clock, Timer } from "../../../internal/ports/clock.ts";
import type { World } from "./world.ts";

/** 2023-11-14, when simulated time begins. */
export const EPOCH = 1_700_000_000_000;
/** How late a timer fires in a process that has nothing else to do, at most. */
const LATE_MS = 0.9;
const SOON_MS = 0.05;

interface Held {
  readonly isTimer: boolean;
  readonly label: string;
  readonly act: () => void;
}

export class SimProcess {
  readonly name: string;
  readonly world: World;
  readonly clock: Clock;
  readonly startedAt: number;
  /** When it last woke; when it started if it never stood still. */
  wokeAt: number;
  #state: "up" | "paused" | "dead" = "up";
  #held: Held[] = [];
  readonly #salt: number;
  readonly #deaths: (() => void)[] = [];
  readonly #pauses: (() => void)[] = [];
  readonly #wakes: (() => void)[] = [];

  /** `skewMs`: by how much its wall clock is wrong. */
  constructor(world: World, name: string, { skewMs }: { readonly skewMs: number }) {
    this.world = world;
    this.name = name;
    this.#salt = hash32(name);
    this.startedAt = world.now;
    this.wokeAt = world.now;
    this.clock = {
      now: () => Math.floor(EPOCH + world.now + skewMs),
      monotonic: () => world.now - this.startedAt,
      after: (ms, fn) => this.#timer(this.#dueIn(ms), "timer", fn),
      soon: (fn) => void this.#timer(SOON_MS, "soon", fn),
      stayAlive: () => ({ cancel: () => undefined }),
    };
  }

  get isAlive(): boolean {
    return this.#state !== "dead";
  }
  get isAwake(): boolean {
    return this.#state === "up";
  }

  /** Something reaches this process: it happens now, when it wakes, or never. */
  reach(label: string, act: () => void): void {
    if (this.#state === "up") act();
    else if (this.#state === "paused") this.#held.push({ isTimer: false, label, act });
  }

  onDeath(act: () => void): void {
    this.#deaths.push(act);
  }
  onPause(act: () => void): void {
    this.#pauses.push(act);
  }
  onWake(act: () => void): void {
    this.#wakes.push(act);
  }

  crash(): void {
    if (this.#state === "dead") return;
    this.#state = "dead";
    this.#held = [];
    this.world.note(`${this.name} is dead`);
    for (const act of this.#deaths) act();
  }

  pause(): void {
    if (this.#state !== "up") return;
    this.#state = "paused";
    this.world.note(`${this.name} stands still`);
    for (const act of this.#pauses) act();
  }

  /** What was missed happens now, each in a turn of its own: messages first, or timers, as it comes. */
  wake(): void {
    if (this.#state !== "paused") return;
    this.#state = "up";
    this.wokeAt = this.world.now;
    this.world.note(`${this.name} wakes`);
    for (const act of this.#wakes) act();
    const held = this.#held;
    this.#held = [];
    const timersFirst = this.world.random.chance(0.5);
    const first = held.filter(({ isTimer }) => isTimer === timersFirst);
    const last = held.filter(({ isTimer }) => isTimer !== timersFirst);
    for (const { isTimer, label, act } of [...first, ...last]) {
      this.world.after(0, `${this.name} late ${label}`, () => this.#happen(isTimer, label, act));
    }
  }

  /** Timers have whole milliseconds, and those of one millisecond fire together. */
  #dueIn(ms: number): number {
    const { now } = this.world;
    const due = Math.ceil(now + Math.max(1, ms));
    const share = (Math.imul(due ^ this.#salt, 0x9e3779b1) >>> 0) / 0x1_0000_0000;
    return due - now + share * LATE_MS;
  }

  #timer(ms: number, kind: string, fn: () => void): Timer {
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) fn();
    };
    const event = this.world.after(ms, `${this.name} ${kind}`, () => this.#happen(true, kind, fire));
    return {
      cancel: () => {
        isCancelled = true;
        event.isCancelled = true;
      },
    };
  }

  #happen(isTimer: boolean, label: string, act: () => void): void {
    if (this.#state === "up") act();
    else if (this.#state === "paused") this.#held.push({ isTimer, label, act });
  }
}
