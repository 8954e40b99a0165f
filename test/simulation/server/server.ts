/**
 * The simulated server: streams, the consumers of the queues, core subjects. It does what the real one was seen to
 * do, the odd things too; `moods` says how odd it is just now.
 */
import { streamSpecs } from "../../../internal/contract/streams.ts";
import { Names } from "../../../internal/contract/subjects.ts";
import type { Work } from "../../../internal/core/attempt.ts";
import type { Link } from "../engine/link.ts";
import { EPOCH } from "../engine/process.ts";
import type { World } from "../engine/world.ts";
import { CoreSubjects } from "./core-subjects.ts";
import { KeyValues } from "./key-values.ts";
import { QueueConsumer } from "./queue-consumer.ts";
import { type Stored, Stream } from "./stream.ts";

export interface Moods {
  /** Streams take nothing. */
  isFull: boolean;
  /** An election: it answers that it cannot now. */
  isBusy: boolean;
  /** Of what it has stored, it does not tell this share. */
  lostAcks: number;
  /** How long a write lies before it is stored; a purge that comes later may be done before. */
  commitMs: number;
  /** A read of what was just written finds nothing, so often. */
  staleReads: number;
  /** Waiting pulls wake so late, now and then. */
  lateWakes: number;
  /** What follows the log lags behind by so much at most, now and then. */
  followLagMs: number;
}

export const CALM: Readonly<Moods> = {
  isFull: false,
  isBusy: false,
  lostAcks: 0,
  commitMs: 0.2,
  staleReads: 0,
  lateWakes: 0,
  followLagMs: 0,
};

export interface ServerOptions {
  readonly world: World;
  readonly ackWaitMs: number;
  readonly leaseTermMs: number;
  readonly maxAckPending: number;
  readonly keepsPurgedPlaces: boolean;
  readonly followLagMs: number;
  /** Called before the ack of a copy takes effect. */
  onAck(work: Work): void;
}

export type PublishAnswer = { readonly seq: number } | "refused" | "full" | "busy";

/** Acks of so long ago survive a kill. */
const FORGOTTEN_MS = 100;
const LATE_WAKE_MS = 2_000;

export class SimServer {
  readonly names = new Names("sim");
  readonly moods: Moods = { ...CALM };
  readonly runs: Stream;
  readonly tasks: Stream;
  readonly blobs: Stream;
  readonly letters: Stream;
  readonly history: Stream;
  readonly checkpoints: Stream;
  readonly leases: KeyValues;
  readonly core: CoreSubjects;
  isUp = true;
  /** When it was last down or killed. */
  troubledAt = Number.NEGATIVE_INFINITY;
  readonly #options: ServerOptions;
  readonly #consumers = new Map<string, QueueConsumer>();
  readonly #links = new Set<Link>();
  #clockOffset = 0;
  #lastCommit = 0;
  /** Counts its lives: what was not stored is gone with the one before. */
  #life = 0;
  #acked: { readonly message: Stored; readonly at: number }[] = [];

  constructor(options: ServerOptions) {
    const { world, leaseTermMs, followLagMs } = options;
    this.#options = options;
    this.moods.followLagMs = followLagMs;
    const stream = (name: string): Stream => {
      const spec = streamSpecs(this.names).find((each) => each.name === name);
      if (spec === undefined) throw new Error(`no stream ${name}`);
      return new Stream(spec, () => ({ time: this.now(), at: world.now }));
    };
    this.runs = stream(this.names.runsStream);
    this.tasks = stream(this.names.tasksStream);
    this.blobs = stream(this.names.blobsStream);
    this.letters = stream(this.names.deadStream);
    this.history = stream(this.names.historyStream);
    this.checkpoints = stream(this.names.checkpointsStream);
    this.leases = new KeyValues(leaseTermMs, () => world.now);
    this.core = new CoreSubjects(world, () => this.isUp);
    this.tasks.listen({
      removed: (message, how) => {
        if (how === "acked") this.#acked.push({ message, at: world.now });
      },
    });
  }

  /** Its wall clock, in milliseconds since 1970; it may step. */
  now(): number {
    return Math.floor(EPOCH + this.#options.world.now + this.#clockOffset);
  }
  stepTime(ms: number): void {
    this.#clockOffset += ms;
    this.#options.world.note(`the server's time steps by ${ms} ms`);
  }

  /** Where a client connects. */
  pickNode(): string | undefined {
    return this.isUp ? "s1" : undefined;
  }

  attach(link: Link): void {
    this.#links.add(link);
  }
  detach(link: Link): void {
    this.#links.delete(link);
  }

  /** Stores after those before it; `answer` is called once it is known. */
  publish(stream: Stream, { subject, value }: Publication, answer: (answer: PublishAnswer) => void): void {
    const { world } = this.#options;
    if (this.moods.isBusy) {
      answer("busy");
      return;
    }
    this.#lastCommit = Math.max(this.#lastCommit, world.now + this.moods.commitMs * world.random.next());
    const life = this.#life;
    world.after(this.#lastCommit - world.now, `store ${subject}`, () => {
      if (life !== this.#life) return;
      if (this.moods.isFull) {
        answer("full");
        return;
      }
      const stored = stream.publish(subject, value);
      world.note(stored === undefined ? `refused ${subject}` : `stored ${subject} at ${stored.seq}`);
      if (!world.random.chance(this.moods.lostAcks)) answer(stored ?? "refused");
    });
  }

  consumer(queue: string): QueueConsumer {
    const known = this.#consumers.get(queue);
    if (known !== undefined) return known;
    const { world, ackWaitMs, maxAckPending, keepsPurgedPlaces } = this.#options;
    const consumer = new QueueConsumer({
      world,
      stream: this.tasks,
      subjectPrefix: this.names.tasksOf(queue).slice(0, -1),
      ackWaitMs,
      maxAckPending,
      keepsPurgedPlaces,
      wakeDelayMs: () => (world.random.chance(this.moods.lateWakes) ? world.random.next() * LATE_WAKE_MS : 0),
      isUp: () => this.isUp,
    });
    this.#consumers.set(queue, consumer);
    return consumer;
  }

  /** A worker says that the outcome of this copy's attempt is stored. */
  acked(work: Work, act: () => void): void {
    this.#options.onAck(work);
    act();
  }

  /** `kill -9`, or in order; connections are lost either way. */
  goDown(how: "killed" | "in order"): void {
    const { world } = this.#options;
    if (!this.isUp) return;
    world.note(`the server is down: ${how}`);
    this.isUp = false;
    this.#life++;
    this.#lastCommit = world.now;
    for (const link of this.#links) link.reset();
    for (const consumer of this.#consumers.values()) {
      if (how === "killed") consumer.forget();
      else consumer.disconnected();
    }
    if (how === "killed") this.#forgetAcks();
  }

  comeUp(): void {
    if (this.isUp) return;
    this.#options.world.note("the server is up");
    this.isUp = true;
    this.troubledAt = this.#options.world.now;
    for (const consumer of this.#consumers.values()) consumer.goOn();
  }

  #forgetAcks(): void {
    const { world } = this.#options;
    const recent = this.#acked.filter(({ at }) => at > world.now - FORGOTTEN_MS);
    this.#acked = [];
    for (const { message } of recent) {
      if (!world.random.chance(0.5) || !this.tasks.bringBack(message)) continue;
      world.note(`the ack of ${message.subject} is forgotten`);
      for (const consumer of this.#consumers.values()) consumer.broughtBack(message);
    }
  }
}

export interface Publication {
  readonly subject: string;
  readonly value: unknown;
}
