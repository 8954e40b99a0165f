/**
 * How fast jetdag is beside the raw limit of the same pipeline, both measured in one run: `npm run bench`.
 *
 *   --json          one JSON line a shape
 *   --reps N        repetitions a shape, the median counts (default 3)
 *   --large         also one run of 100,000 tasks, with the executor's memory
 */
import { parseArgs } from "node:util";
import { LocalExecutor } from "../cmd/library/jetdag.ts";
import { findServer } from "../internal/nats/server/find.ts";
import { runServer } from "../internal/nats/server/run.ts";
import { aggregateCost, factCost } from "./fold.ts";
import { definition, JetdagBench, type Kind, SLOTS, throughArtifacts } from "./jetdag.ts";
import { RawProbe } from "./raw.ts";
import { chain, diamonds, fanOut, median, randomGraph, type Shape } from "./shapes.ts";
import { spawnRate } from "./spawn.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    large: { type: "boolean", default: false },
    reps: { type: "string", default: "3" },
  },
});
const reps = Number(values.reps);

function print(row: Record<string, unknown>): void {
  const text = values.json
    ? JSON.stringify(row)
    : Object.entries(row)
        .map(([key, value]) => `${key} ${String(value)}`)
        .join("  ");
  process.stdout.write(`${text}\n`);
}

function round(value: number, digits = 2): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

const { path } = await findServer({
  ...(process.env.JETDAG_NATS_SERVER === undefined ? {} : { setting: process.env.JETDAG_NATS_SERVER }),
  path: process.env.PATH ?? "",
  onProgress: ({ what }) => process.stderr.write(`${what}\n`),
});
const server = await runServer({ binary: path });
try {
  const jetdag = await JetdagBench.start(server.url, "here");
  const raw = await RawProbe.start(server.url);
  await jetdag.run(fanOut(2_000));
  await jetdag.run(fanOut(2_000), "threads");
  await raw.run(fanOut(2_000));
  await throughput(fanOut(10_000), "inline");
  await throughput(diamonds(1_000), "inline");
  await throughput(fanOut(10_000), "threads");
  await throughArtifactsOf(10_000);
  await throughput(randomGraph(50_000, 4), "inline");
  await latency(chain(1_000), "inline");
  await latency(chain(1_000), "threads");
  await jetdag.stop();
  await raw.stop();
  folds();
  await commands();
  if (values.large) await large();

  async function throughput(shape: Shape, functions: Kind): Promise<void> {
    const rates: number[] = [];
    const rawRates: number[] = [];
    for (let i = 0; i < reps; i++) {
      rates.push(shape.tasks / (await jetdag.run(shape, functions)).seconds);
      rawRates.push(shape.tasks / (await raw.run(shape)).seconds);
    }
    const [rate, limit] = [median(rates), median(rawRates)];
    print({
      shape: shape.name,
      functions,
      tasks: shape.tasks,
      tasks_per_s: Math.round(rate),
      raw_tasks_per_s: Math.round(limit),
      ratio: round(rate / limit),
    });
  }

  /** As many tasks on threads as a fan-out of that size has, with artifacts between them, beside the raw fan-out. */
  async function throughArtifactsOf(count: number): Promise<void> {
    const shape = fanOut(count);
    const rates: number[] = [];
    const rawRates: number[] = [];
    for (let i = 0; i < reps; i++) {
      rates.push(shape.tasks / (await jetdag.runAll(throughArtifacts(count))).seconds);
      rawRates.push(shape.tasks / (await raw.run(shape)).seconds);
    }
    const [rate, limit] = [median(rates), median(rawRates)];
    print({
      shape: `aggregate-${count}`,
      functions: "threads",
      tasks: shape.tasks,
      tasks_per_s: Math.round(rate),
      raw_tasks_per_s: Math.round(limit),
      ratio: round(rate / limit),
    });
  }

  async function latency(shape: Shape, functions: Kind): Promise<void> {
    const hops: number[] = [];
    const rawHops: number[] = [];
    for (let i = 0; i < reps; i++) {
      hops.push(median((await jetdag.run(shape, functions)).hopsMs));
      rawHops.push(median((await raw.run(shape)).hopsMs));
    }
    const [hop, limit] = [median(hops), median(rawHops)];
    print({
      shape: shape.name,
      functions,
      tasks: shape.tasks,
      p50_ms: round(hop, 3),
      raw_p50_ms: round(limit, 3),
      ratio: round(hop / limit),
    });
  }

  /** The state of a run alone: what a fact costs must not grow with the DAG, and a launch not faster than its artifacts. */
  function folds(): void {
    const several = (measure: () => number): number => median(Array.from({ length: reps }, measure));
    const [small, large] = [randomGraph(500, 4), randomGraph(50_000, 4)];
    const edges = large.parents.reduce((sum, parents) => sum + parents.length, 0);
    const runs = large.tasks / small.tasks;
    factCost(small, runs);
    const [cost, costOfSmall] = [several(() => factCost(large, 1)), several(() => factCost(small, runs))];
    print({
      shape: `fold-${large.name}`,
      edges,
      us_per_fact: round(cost, 3),
      us_per_fact_of_500: round(costOfSmall, 3),
      ratio: round(cost / costOfSmall),
    });
    aggregateCost(10_000);
    const [launch, tenth] = [several(() => aggregateCost(10_000)), several(() => aggregateCost(1_000))];
    print({
      shape: "fold-aggregate-10000",
      launch_ms: round(launch, 3),
      launch_ms_of_1000: round(tenth, 3),
      ratio: round(launch / tenth),
    });
  }

  /**
   * Tasks that start a process each, at ten slots, beside a small program that does nothing but that: in this process,
   * and on one worker, with which the executor and the server share the machine.
   */
  async function commands(): Promise<void> {
    const local = new LocalExecutor({ workerCount: SLOTS });
    await local.start();
    const cluster = await JetdagBench.start(server.url, "here", 1);
    const shape = fanOut(1_000);
    const here = async (): Promise<number> => {
      const from = performance.now();
      const { state } = await local.execute({ dag: definition(shape, "bash") });
      if (state !== "completed") throw new Error(`a run ended as ${state}`);
      return shape.tasks / ((performance.now() - from) / 1_000);
    };
    const there = async (): Promise<number> => shape.tasks / (await cluster.run(shape, "bash")).seconds;
    await Promise.all([here(), there()]);
    const rates: Record<"plain" | "here" | "there", number[]> = { plain: [], here: [], there: [] };
    for (let i = 0; i < reps; i++) {
      rates.plain.push(await spawnRate({ commands: shape.tasks, atATime: SLOTS }));
      rates.here.push(await here());
      rates.there.push(await there());
    }
    const plain = median(rates.plain);
    for (const [where, rate] of [
      ["in this process", median(rates.here)],
      ["on a worker", median(rates.there)],
    ] as const) {
      print({
        shape: `bash-${shape.name}`,
        slots: `${SLOTS} ${where}`,
        tasks: shape.tasks,
        tasks_per_s: Math.round(rate),
        spawn_per_s: Math.round(plain),
        ratio: round(rate / plain),
      });
    }
    await Promise.all([local.stop(), cluster.stop()]);
  }

  /** The executor is a service of its own here, so that its memory is its own too. */
  async function large(): Promise<void> {
    const bench = await JetdagBench.start(server.url, "service");
    const [small, big] = [fanOut(10_000), fanOut(100_000)];
    const smallRate = small.tasks / (await bench.run(small)).seconds;
    const { seconds, grownBytes } = await bench.runAndWeigh(big);
    const rate = big.tasks / seconds;
    print({
      shape: big.name,
      tasks: big.tasks,
      tasks_per_s: Math.round(rate),
      ratio_to_10000: round(rate / smallRate),
      executor_bytes_per_task: Math.round(grownBytes / big.tasks),
    });
    await bench.stop();
  }
} finally {
  await server.stop();
}
process.exit();
