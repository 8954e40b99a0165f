/**
 * The raw limit: the same pipeline on JetStream with nothing on top. One process publishes tasks to a work
 * queue, two processes take them, publish their results in batches and acknowledge. It keeps no state and
 * survives nothing: a ceiling, not a system.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AckPolicy, DiscardPolicy, jetstream, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import type { Measured, Shape } from "./shapes.ts";

const WORKERS = 2;
const WINDOW = 512;
const ONCE = { max_msgs_per_subject: 1, discard: DiscardPolicy.New, discard_new_per_subject: true };

export interface RawResult {
  readonly run: number;
  readonly task: number;
}

interface RawRun {
  readonly waiting: Int32Array;
  readonly children: readonly (readonly number[])[];
}

export class RawProbe {
  readonly #nc: NatsConnection;
  readonly #workers: readonly ChildProcess[];
  readonly #inbox = createInbox();
  readonly #encoder = new TextEncoder();
  #backlog: [run: number, task: number][] = [];
  #head = 0;
  #outstanding = 0;
  #generation = 0;
  #runs: RawRun[] = [];
  #left = 0;
  #lastEnd = 0;
  #hops: number[] = [];
  #done: (() => void) | undefined;

  private constructor(nc: NatsConnection, workers: readonly ChildProcess[]) {
    this.#nc = nc;
    this.#workers = workers;
    nc.subscribe(`${this.#inbox}.*`, {
      callback: () => {
        this.#outstanding--;
        this.#pump();
      },
    });
  }

  static async start(url: string): Promise<RawProbe> {
    const nc = await connect({ servers: url, noAsyncTraces: true });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({
      name: "RAW_T",
      subjects: ["raw.t.>"],
      retention: RetentionPolicy.Workqueue,
      ...ONCE,
    });
    await jsm.streams.add({ name: "RAW_R", subjects: ["raw.r.>"], ...ONCE });
    const pending = { max_ack_pending: 20_000, ack_wait: 60_000_000_000 };
    await jsm.consumers.add("RAW_T", { durable_name: "w", ack_policy: AckPolicy.Explicit, ...pending });
    await jsm.consumers.add("RAW_R", { durable_name: "x", ack_policy: AckPolicy.All, ...pending });
    const program = fileURLToPath(new URL("./raw-worker.js", import.meta.url));
    const workers = await Promise.all(
      Array.from({ length: WORKERS }, () => {
        const worker = fork(program, [url]);
        return new Promise<ChildProcess>((resolve) => worker.once("message", () => resolve(worker)));
      }),
    );
    const probe = new RawProbe(nc, workers);
    const consumer = await jetstream(nc).consumers.get("RAW_R", "x");
    let count = 0;
    await consumer.consume({
      max_messages: 1_000,
      callback: (message) => {
        probe.#onResults(message.json<RawResult[]>());
        if (++count % 100 === 0 || probe.#left === 0) message.ack();
      },
    });
    return probe;
  }

  async run(shape: Shape): Promise<Measured> {
    this.#generation++;
    const children = childrenOf(shape);
    const indegree = Int32Array.from(shape.parents, (parents) => parents.length);
    this.#runs = Array.from({ length: shape.runs }, () => ({ waiting: indegree.slice(), children }));
    this.#left = shape.tasks;
    this.#hops = [];
    const done = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    const from = performance.now();
    this.#lastEnd = from;
    for (let run = 0; run < shape.runs; run++) {
      for (const [task, parents] of shape.parents.entries())
        if (parents.length === 0) this.#backlog.push([run, task]);
    }
    this.#pump();
    await done;
    return { seconds: (performance.now() - from) / 1_000, hopsMs: this.#hops };
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers) worker.kill("SIGKILL");
    await this.#nc.close();
  }

  #pump(): void {
    while (this.#outstanding < WINDOW && this.#head < this.#backlog.length) {
      const [run, task] = this.#backlog[this.#head++] ?? [0, 0];
      this.#outstanding++;
      const name = `g${this.#generation}-${run}`;
      const body = {
        v: 1,
        name,
        run,
        task,
        type: "function",
        command: "noop",
        timeout: 60,
        pad: "p".repeat(120),
      };
      this.#nc.publish(`raw.t.${name}.task-${task}.0.1`, this.#encoder.encode(JSON.stringify(body)), {
        reply: `${this.#inbox}.${this.#head}`,
      });
    }
    if (this.#head < this.#backlog.length) return;
    this.#backlog = [];
    this.#head = 0;
  }

  #onResults(results: readonly RawResult[]): void {
    for (const { run, task } of results) {
      const now = performance.now();
      this.#hops.push(now - this.#lastEnd);
      this.#lastEnd = now;
      const state = this.#runs[run];
      for (const child of state?.children[task] ?? []) {
        if (state === undefined) continue;
        const left = (state.waiting[child] ?? 0) - 1;
        state.waiting[child] = left;
        if (left === 0) this.#backlog.push([run, child]);
      }
      this.#left--;
    }
    this.#pump();
    if (this.#left === 0) this.#done?.();
  }
}

function childrenOf(shape: Shape): number[][] {
  const children: number[][] = shape.parents.map(() => []);
  for (const [task, parents] of shape.parents.entries())
    for (const parent of parents) children[parent]?.push(task);
  return children;
}
