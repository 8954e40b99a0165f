/**
 * The connection of a process to the server: both directions in order, with a delay, until it is lost.
 *
 * N1 What is on its way when the connection is lost never arrives.
 * N2 A silent path holds everything up. If it speaks again soon, nothing was lost; else the client gives the
 *    connection up, and what was held with it.
 * N3 While it is down, what is sent vanishes without an error.
 */
import type { SimProcess } from "./process.ts";
import type { World } from "./world.ts";

/** The client's two pings without an answer, 5 s apart. */
const GIVE_UP_MS = 10_000;
const GIVE_UP_SPREAD_MS = 5_000;
const RECONNECT_MS = 250;

/** What was sent at one moment: it arrives as one, and is read in one go. */
interface Segment {
  readonly sentAt: number;
  readonly messages: Message[];
}

interface Message {
  readonly label: string;
  readonly arrive: () => void;
}

interface Direction {
  lastArrival: number;
  newest: Segment | undefined;
  /** What would have arrived while the path was silent. */
  held: Segment[];
}

function newDirection(lastArrival: number): Direction {
  return { lastArrival, newest: undefined, held: [] };
}

export interface LinkOptions {
  readonly latencyMs: number;
  /** A server of the cluster that can be reached; nothing while there is none. */
  pickNode(): string | undefined;
}

export class Link {
  readonly process: SimProcess;
  readonly #world: World;
  readonly #options: LinkOptions;
  readonly #reconnects = new Set<() => void>();
  readonly #losses: (() => void)[] = [];
  readonly #silences: (() => void)[] = [];
  #up = newDirection(0);
  #down = newDirection(0);
  /** Counts the connections; what was sent on an earlier one is lost. */
  #epoch = 0;
  #isUp = true;
  /** The server of the cluster that it is at, or was. */
  node: string;
  #isPathSilent = false;
  /** No connection is to be had before. */
  #blockedUntil = 0;
  /** Of what a process had sent when it died, the server gets what arrives until then. */
  #lastArrival = Number.POSITIVE_INFINITY;
  /** Since when it stands. */
  upSince: number;
  /** When the path was last silent or lost. */
  troubledAt = Number.NEGATIVE_INFINITY;

  constructor(process: SimProcess, options: LinkOptions) {
    this.process = process;
    this.#world = process.world;
    this.#options = options;
    this.upSince = this.#world.now;
    const node = options.pickNode();
    this.node = node ?? "";
    if (node === undefined) {
      this.#isUp = false;
      this.#tryAgain(RECONNECT_MS);
    }
  }

  /** As the client sees it: a silent path looks as if it stood. */
  get isUp(): boolean {
    return this.#isUp;
  }
  /** Messages pass. */
  get isSound(): boolean {
    return this.#isUp && !this.#isPathSilent && this.process.isAwake;
  }

  /** Calls back each time it stands again, until that is cancelled. */
  onReconnect(act: () => void): { cancel(): void } {
    const own = (): void => act();
    this.#reconnects.add(own);
    return { cancel: () => void this.#reconnects.delete(own) };
  }
  /** The connection is lost, or the process is dead: the server forgets what it had asked for. */
  onLost(act: () => void): void {
    this.#losses.push(act);
  }

  /** Nothing passes from now on; whoever expects something hears nothing. */
  onSilent(act: () => void): void {
    this.#silences.push(act);
  }
  get isSilent(): boolean {
    return this.#isPathSilent;
  }

  toServer(label: string, arrive: () => void): void {
    if (!this.#isUp || !this.process.isAlive) return;
    this.#send(this.#up, `${this.process.name} > ${label}`, arrive);
  }

  toClient(label: string, arrive: () => void): void {
    if (!this.#isUp) return;
    const name = `${this.process.name} < ${label}`;
    this.#send(this.#down, name, () => this.process.reach(label, arrive));
  }

  /** The connection is lost at once, and both sides know; what was sent may have arrived or not. */
  reset(): void {
    if (!this.#isUp) return;
    this.#world.note(`${this.process.name} is disconnected`);
    this.#isUp = false;
    this.#isPathSilent = false;
    this.#epoch++;
    this.#up = newDirection(this.#world.now);
    this.#down = newDirection(this.#world.now);
    this.troubledAt = this.#world.now;
    for (const act of this.#losses) act();
    this.#tryAgain(RECONNECT_MS);
  }

  /** Nothing passes for so long; after a while the client gives the connection up, and cannot get another before. */
  silence(ms: number): void {
    if (!this.#isUp || this.#isPathSilent) return;
    const epoch = this.#epoch;
    this.#isPathSilent = true;
    this.troubledAt = this.#world.now;
    this.#world.note(`${this.process.name} path is silent`);
    for (const act of this.#silences) act();
    const giveUpMs = GIVE_UP_MS + this.#world.random.next() * GIVE_UP_SPREAD_MS;
    const end = this.#world.now + ms;
    this.#world.after(Math.min(ms, giveUpMs), `${this.process.name} path`, () => {
      if (epoch !== this.#epoch) return;
      this.troubledAt = this.#world.now;
      if (ms <= giveUpMs) {
        this.#speakAgain();
        return;
      }
      this.reset();
      this.#blockedUntil = end;
    });
  }

  /** The process is dead; what it had sent may still arrive, up to some point. */
  close(): void {
    this.#isUp = false;
    const { random, now } = this.#world;
    if (random.chance(0.5)) this.#lastArrival = now + random.next() * this.#options.latencyMs;
    for (const act of this.#losses) act();
  }

  #speakAgain(): void {
    this.#isPathSilent = false;
    this.#world.note(`${this.process.name} path speaks again`);
    for (const direction of [this.#up, this.#down]) {
      const { held } = direction;
      direction.held = [];
      direction.lastArrival = this.#world.now;
      for (const segment of held) this.#depart(direction, segment);
    }
  }

  #tryAgain(ms: number): void {
    this.#world.after(ms + this.#world.random.next(), `${this.process.name} dials`, () => {
      if (!this.process.isAlive) return;
      const node = this.#world.now >= this.#blockedUntil ? this.#options.pickNode() : undefined;
      if (!this.process.isAwake || node === undefined) {
        this.#tryAgain(RECONNECT_MS);
        return;
      }
      this.#isUp = true;
      this.node = node;
      this.upSince = this.#world.now;
      this.#world.note(`${this.process.name} is connected again`);
      for (const act of this.#reconnects) act();
    });
  }

  #send(direction: Direction, label: string, arrive: () => void): void {
    const { now } = this.#world;
    const { newest } = direction;
    if (newest !== undefined && newest.sentAt === now) {
      newest.messages.push({ label, arrive });
      return;
    }
    const segment = { sentAt: now, messages: [{ label, arrive }] };
    direction.newest = segment;
    this.#depart(direction, segment);
  }

  #depart(direction: Direction, segment: Segment): void {
    const { random, now } = this.#world;
    const delay = this.#options.latencyMs * (0.5 + random.next() + (random.chance(0.02) ? 20 : 0));
    direction.lastArrival = Math.max(direction.lastArrival, now + delay);
    const epoch = this.#epoch;
    this.#world.after(direction.lastArrival - now, "", () => {
      if (epoch !== this.#epoch || this.#world.now > this.#lastArrival) return;
      if (this.#isPathSilent) {
        direction.held.push(segment);
        return;
      }
      for (const { label, arrive } of segment.messages) {
        this.#world.note(label);
        arrive();
      }
    });
  }
}
