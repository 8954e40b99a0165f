/** jetdag itself: the executor in this process, two worker processes of ten slots, tasks that do nothing. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type DagDefinition, DistributedExecutor, type Observation } from "../cmd/library/jetdag.ts";
import type { Measured, Shape } from "./shapes.ts";

const WORKERS = 2;
const SLOTS = 10;

export class JetdagBench {
  readonly #executor: DistributedExecutor;
  readonly #workers: ChildProcess[] = [];
  #joined = 0;
  #lastEnd = 0;
  #hops: number[] = [];

  private constructor(nats: string) {
    const observer = { observe: (each: Observation): void => this.#observe(each) };
    this.#executor = new DistributedExecutor({ nats, namespace: "bench", observer });
    for (let i = 0; i < WORKERS; i++) {
      const main = fileURLToPath(new URL("../cmd/worker/main.js", import.meta.url));
      const functions = fileURLToPath(new URL("./functions.js", import.meta.url));
      const args = [
        "--nats",
        nats,
        "--namespace",
        "bench",
        "--workers",
        String(SLOTS),
        "--log-level",
        "silent",
      ];
      this.#workers.push(
        spawn(process.execPath, [main, ...args, "--functions", functions], { stdio: "inherit" }),
      );
    }
  }

  static async start(nats: string): Promise<JetdagBench> {
    const bench = new JetdagBench(nats);
    await bench.#executor.start();
    while (bench.#joined < WORKERS) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    return bench;
  }

  async run(shape: Shape): Promise<Measured & { readonly peakBytes: number }> {
    const dag = definition(shape);
    let peakBytes = 0;
    const sampler = setInterval(() => {
      peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
    }, 50);
    this.#hops = [];
    const from = performance.now();
    this.#lastEnd = from;
    const handles = await Promise.all(
      Array.from({ length: shape.runs }, () => this.#executor.submit({ dag })),
    );
    const results = await Promise.all(handles.map((handle) => handle.result()));
    const seconds = (performance.now() - from) / 1_000;
    clearInterval(sampler);
    const bad = results.find(({ state }) => state !== "completed");
    if (bad !== undefined) throw new Error(`a run ended as ${bad.state}`);
    return { seconds, hopsMs: this.#hops, peakBytes: Math.max(peakBytes, process.memoryUsage().rss) };
  }

  /** Resident bytes of this process at rest. */
  async memory(): Promise<number> {
    globalThis.gc?.();
    return process.memoryUsage().rss;
  }

  async stop(): Promise<void> {
    await this.#executor.stop();
    for (const worker of this.#workers) worker.kill("SIGKILL");
  }

  #observe(observation: Observation): void {
    if (observation.kind === "worker-joined") this.#joined++;
    if (observation.kind === "trouble") process.stderr.write(`${observation.what}: ${observation.error}\n`);
    if (observation.kind !== "attempt-ended") return;
    const now = performance.now();
    this.#hops.push(now - this.#lastEnd);
    this.#lastEnd = now;
  }
}

function definition(shape: Shape): DagDefinition {
  return {
    name: shape.name,
    tasks: shape.parents.map((parents, i) => ({
      id: `task-${i}`,
      type: "function",
      command: "noop",
      ...(parents.length === 0 ? {} : { depends_on: parents.map((parent) => `task-${parent}`) }),
    })),
  };
}
