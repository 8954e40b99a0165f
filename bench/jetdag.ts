/** jetdag itself: the executor in this process, worker processes of ten slots, tasks that do nothing. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type DagDefinition, DistributedExecutor, type Observation } from "../cmd/library/jetdag.ts";
import { SHARES } from "../internal/core/hash.ts";
import { openCluster } from "../internal/nats/cluster.ts";
import type { Measured, Shape } from "./shapes.ts";

export const SLOTS = 10;

/** Where the executor runs: in the measuring process, or as the service in a process of its own. */
export type Place = "here" | "service";

/** What does nothing: a function that is built in, on the worker's main thread; one of a module, on threads; a bash. */
export type Kind = "inline" | "threads" | "bash";

const WORK = {
  inline: { type: "function", command: "echo" },
  threads: { type: "function", command: "noop" },
  bash: { type: "bash", command: "true" },
} as const satisfies Record<Kind, object>;

export class JetdagBench {
  readonly #executor: DistributedExecutor;
  readonly #processes: ChildProcess[] = [];
  #service: ChildProcess | undefined;
  #joined = 0;
  #lastEnd = 0;
  #hops: number[] = [];

  private constructor(options: { readonly nats: string; readonly namespace: string }) {
    const observer = { observe: (each: Observation): void => this.#observe(each) };
    this.#executor = new DistributedExecutor({ ...options, observer });
  }

  static async start(nats: string, place: Place, workers = 2): Promise<JetdagBench> {
    const namespace = `bench-${place}-${workers}`;
    const bench = new JetdagBench({ nats, namespace });
    const args = ["--nats", nats, "--namespace", namespace, "--log-level", "silent"];
    if (place === "service") {
      bench.#service = bench.#spawn("executor", args);
      await bench.#until(() => isDriven(nats, namespace));
    }
    await bench.#executor.start();
    const functions = fileURLToPath(new URL("./functions.js", import.meta.url));
    for (let i = 0; i < workers; i++) {
      bench.#spawn("worker", [...args, "--workers", String(SLOTS), "--functions", functions]);
    }
    await bench.#until(
      () => (place === "here" ? bench.#joined : bench.#executor.getStatus().workerCount) >= workers,
    );
    return bench;
  }

  async run(shape: Shape, kind: Kind = "inline"): Promise<Measured> {
    return this.runAll(definition(shape, kind), shape.runs);
  }

  /** So many runs at once. */
  async runAll(dag: DagDefinition, runs = 1): Promise<Measured> {
    this.#hops = [];
    const from = performance.now();
    this.#lastEnd = from;
    const handles = await Promise.all(Array.from({ length: runs }, () => this.#executor.submit({ dag })));
    const results = await Promise.all(handles.map((handle) => handle.result()));
    const seconds = (performance.now() - from) / 1_000;
    const bad = results.find(({ state }) => state !== "completed");
    if (bad !== undefined) throw new Error(`a run ended as ${bad.state}`);
    return { seconds, hopsMs: this.#hops };
  }

  /** Runs it, and tells by how many bytes the executor service grew at most meanwhile. */
  async runAndWeigh(shape: Shape): Promise<Measured & { readonly grownBytes: number }> {
    const before = this.#residentBytes();
    let peak = before;
    const sampler = setInterval(() => {
      peak = Math.max(peak, this.#residentBytes());
    }, 20);
    const measured = await this.run(shape);
    clearInterval(sampler);
    return { ...measured, grownBytes: peak - before };
  }

  async stop(): Promise<void> {
    await this.#executor.stop();
    for (const child of this.#processes) child.kill("SIGKILL");
  }

  #spawn(program: "executor" | "worker", args: readonly string[]): ChildProcess {
    const main = fileURLToPath(new URL(`../cmd/${program}/main.js`, import.meta.url));
    const child = spawn(process.execPath, [main, ...args], { stdio: "inherit" });
    this.#processes.push(child);
    return child;
  }

  async #until(isReached: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isReached())) {
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }

  /** As Linux tells it; elsewhere nothing is known. */
  #residentBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.#service?.pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024;
    } catch {
      return Number.NaN;
    }
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

/** One task hands out so many artifacts, one for each hands on another, and the last gets all of these. */
export function throughArtifacts(count: number): DagDefinition {
  return {
    name: `artifacts-${count}`,
    tasks: [
      { id: "out", type: "function", command: "handOut", params: { count } },
      { id: "on", type: "function", command: "handOn", depends_on: ["out"], fan_mode: "single" },
      { id: "all", type: "function", command: "gather", depends_on: ["on"], fan_mode: "aggregate" },
    ],
  };
}

export function definition(shape: Shape, kind: Kind): DagDefinition {
  return {
    name: shape.name,
    tasks: shape.parents.map((parents, i) => ({
      id: `task-${i}`,
      ...WORK[kind],
      ...(parents.length === 0 ? {} : { depends_on: parents.map((parent) => `task-${parent}`) }),
    })),
  };
}

async function isDriven(nats: string, namespace: string): Promise<boolean> {
  const cluster = await openCluster({
    servers: nats,
    name: "bench",
    namespace,
    ackWaitMs: 60_000,
    leaseTermMs: 5_000,
    onTrouble: () => undefined,
    onDeadLetter: () => undefined,
  });
  const view = await cluster.desk.ask(500);
  await cluster.close();
  return view?.shares.length === SHARES;
}
