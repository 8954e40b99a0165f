/** History on a real server: what goes from the log, what stays, and what an executor that starts has to read. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fact } from "../../internal/core/facts.ts";
import { SHARES, shareOf } from "../../internal/core/hash.ts";
import type { RunResult } from "../../internal/core/result.ts";
import { inspectRun } from "../../internal/executor/inspection.ts";
import { ExecutorService } from "../../internal/executor/service.ts";
import { prepareRun } from "../../internal/executor/submission.ts";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import { Names } from "../../internal/contract/subjects.ts";
import { connectNats } from "../../internal/nats/connection.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import { dag as definition, task } from "../support/dags.ts";
import { completed } from "../support/facts.ts";
import { TestFolder } from "../support/folder.ts";
import { type OpenedCluster, openTestCluster } from "../support/nats-cluster.ts";
import { overriding } from "../support/overriding.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let serial = 0;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const TOMBSTONE = ["submitted", "retired"];

/** A namespace of its own on the one server, and what the log there holds. */
class Cluster implements AsyncDisposable {
  readonly namespace: string;
  readonly args: readonly string[];
  readonly ports: OpenedCluster;

  private constructor(ports: OpenedCluster, namespace: string) {
    this.ports = ports;
    this.namespace = namespace;
    this.args = ["--nats", server.url, "--namespace", namespace];
  }

  static async open(): Promise<Cluster> {
    const namespace = `history-${++serial}`;
    return new Cluster(await openTestCluster({ servers: server.url, namespace }), namespace);
  }

  executor(...more: string[]): Program {
    return new Program("executor", [...this.args, "--lease-term", "1s", "--log-level", "debug", ...more]);
  }

  worker(): Program {
    return new Program("worker", [...this.args, "--lease-term", "1s"]);
  }

  /** Gives the log so many times the bytes that it takes now. */
  async limitLog(factor: number): Promise<void> {
    const { nc, jsm } = await connectNats({ servers: server.url, name: "operator" });
    const { runsStream } = new Names(this.namespace);
    const { state } = await jsm.streams.info(runsStream);
    await jsm.streams.update(runsStream, { max_bytes: Math.ceil(state.bytes * factor) });
    await nc.close();
  }

  inspect(runId: string): Promise<RunResult | undefined> {
    const { log, history, blobs } = this.ports;
    return inspectRun(runId, {
      ...{ log, history, blobs, clock: systemClock, view: undefined },
      definitions: new StoredDefinitions(blobs),
    });
  }

  async kinds(runId: string): Promise<string[]> {
    return (await this.ports.log.factsOf(runId)).map(({ fact }) => fact.kind);
  }

  async isRetired(runId: string): Promise<boolean> {
    return (await this.kinds(runId)).join() === TOMBSTONE.join();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ports.close();
  }
}

/** Runs as a cluster has them that has driven them to their ends, written by hand: each of so many tasks that ended one by one. */
async function writeRuns(
  { ports }: Cluster,
  { runs, tasks, dags = 1 }: { readonly runs: number; readonly tasks: number; readonly dags?: number },
): Promise<string[]> {
  const definitions = new StoredDefinitions(ports.blobs);
  const ids = Array.from({ length: tasks }, (_, i) => `t${i}`);
  const all = Array.from({ length: dags }, (_, i) =>
    definition(
      ids.map((id) => task(id)),
      { name: `dag-${i}` },
    ),
  );
  const write = async (n: number): Promise<string> => {
    const chosen = all[n % dags];
    if (chosen === undefined) throw new Error("no DAG");
    const { log, blobs } = ports;
    const options = { log, blobs, definitions, random: systemRandom, lossCap: 5, inlineLimit: 65_536 };
    const { runId, partition, admit } = prepareRun({ dag: chosen, runId: `run-${n}` }, options);
    const runSeq = await admit();
    const outcomes = ids.map((id, i): Fact => {
      const about = { queue: "default", incarnation: "w", n: i };
      return { kind: "outcomes", runSeq, items: [{ ...completed(id), worker: "w-1" }], ...about };
    });
    await Promise.all(outcomes.map((fact) => log.append({ runId, partition }, fact)));
    await log.append({ runId, partition }, { kind: "finished", gen: 0, state: "completed", durationMs: 5 });
    return runId;
  };
  const written: string[] = [];
  const AT_A_TIME = 20;
  for (let from = 0; from < runs; from += AT_A_TIME) {
    const group = Array.from({ length: Math.min(AT_A_TIME, runs - from) }, (_, i) => write(from + i));
    written.push(...(await Promise.all(group)));
  }
  return written;
}

describe("a run that was retired", () => {
  test("looks as before, keeps its id, and is not retried", async () => {
    await using cluster = await Cluster.open();
    const { args } = cluster;
    await using folder = await TestFolder.make();
    await using first = cluster.executor();
    await using _worker = cluster.worker();
    await Promise.all([first.says("lease taken"), _worker.says("worker started")]);
    const file = await folder.write(
      "dag.json",
      JSON.stringify({
        name: "looks",
        params: { city: "Malmö" },
        tasks: [
          { id: "large", command: `head -c 200000 /dev/zero | tr '\\0' x` },
          { id: "fails", command: "echo no >&2; exit 3", retries: 1, retry: { initial: "10ms" } },
          { id: "after", command: "true", depends_on: ["fails"] },
        ],
      }),
    );
    expect((await dag(["run", file, ...args, "--run-id", "looks-1"])).code).toBe(1);
    const looks = async (): Promise<unknown> => ({
      json: await dag(["status", "looks-1", ...args, "--json"]),
      text: await dag(["status", "looks-1", ...args]),
      follow: await dag(["status", "looks-1", ...args, "--follow"]),
      wait: await dag(["wait", "looks-1", ...args, "--json"]),
      runs: await dag(["runs", ...args, "--json"]),
    });
    const before = await looks();
    expect(before).toMatchObject({ json: { code: 0 }, wait: { code: 1 }, runs: { code: 0 } });
    first.kill("SIGTERM");
    await first.finished;
    await using second = cluster.executor("--retire-after", "1s");
    await second.says("runs retired");
    expect(await cluster.kinds("looks-1")).toEqual(TOMBSTONE);
    expect(await looks()).toEqual(before);

    const again = await dag(["run", file, ...args, "--run-id", "looks-1"]);
    expect(again.stderr).toContain("run id 'looks-1' was used before");
    const retry = await dag(["retry", "looks-1", ...args]);
    expect({ code: retry.code, said: retry.stderr }).toEqual({
      code: 2,
      said: "dag: run 'looks-1' ended too long ago to go on: it was retired, and only its history is kept; run 'looks' again instead\n",
    });
    expect((await dag(["cancel", "looks-1", ...args])).stdout).toBe("run looks-1 had ended already\n");
  });

  test("is not disturbed by a worker that comes late, whose outcome is swept", async () => {
    await using cluster = await Cluster.open();
    const [runId = ""] = await writeRuns(cluster, { runs: 1, tasks: 3 });
    const before = await dag(["status", runId, ...cluster.args, "--json"]);
    await using _executor = cluster.executor("--retire-after", "1s");
    await until(() => cluster.isRetired(runId));
    const [run] = await cluster.ports.log.factsOf(runId);
    if (run === undefined) throw new Error("no run");
    const about = { queue: "default", incarnation: "zombie", n: 1 };
    const late: Fact = { kind: "outcomes", runSeq: run.seq, items: [completed("t1", 2)], ...about };
    expect(await cluster.ports.log.append(run, late)).toMatchObject({ stored: true });
    expect(await dag(["status", runId, ...cluster.args, "--json"])).toEqual(before);
    await until(
      () => cluster.isRetired(runId),
      () => cluster.kinds(runId),
    );
    expect(await dag(["status", runId, ...cluster.args, "--json"])).toEqual(before);
  });

  test("is left by the history with everything that was its own", async () => {
    await using cluster = await Cluster.open();
    const runIds = await writeRuns(cluster, { runs: 5, tasks: 2 });
    await using _executor = cluster.executor("--retire-after", "1ms", "--history-runs", "2");
    await until(
      async () =>
        (await cluster.ports.history.size()).records === 2 && (await cluster.ports.log.end()).facts === 4,
      async () => ({ ...(await cluster.ports.history.size()), ...(await cluster.ports.log.end()) }),
    );
    const status = await Promise.all(runIds.map((runId) => dag(["status", runId, ...cluster.args])));
    expect(status.filter(({ code }) => code === 0)).toHaveLength(2);
    const { stderr } = status.find(({ code }) => code === 2) ?? { stderr: "" };
    expect(stderr).toContain("is not known here");
  });
});

test("an executor killed while it retires: the next one goes on, and nothing is lost", async () => {
  await using cluster = await Cluster.open();
  const [runs, tasks] = [100, 30];
  const runIds = await writeRuns(cluster, { runs, tasks, dags: 10 });
  const { log } = cluster.ports;
  const total = runs * (tasks + 2);
  expect((await log.end()).facts).toBe(total);
  const look = async (): Promise<unknown[]> => {
    const results: unknown[] = [];
    for (const runId of runIds) results.push(await cluster.inspect(runId));
    return results;
  };
  const before = await look();
  await using first = cluster.executor("--retire-after", "1s");
  await until(async () => (await log.end()).facts < total - 200);
  first.kill("SIGKILL");
  await first.finished;
  const { facts } = await log.end();
  expect(facts).toBeGreaterThan(2 * runs);
  expect(await look()).toEqual(before);
  await using _second = cluster.executor("--retire-after", "1s");
  await until(
    async () => (await log.end()).facts === 2 * runs,
    () => log.end(),
    60_000,
  );
  expect(await look()).toEqual(before);
  expect((await cluster.ports.history.size()).records).toBe(runs);
});

test("a log that is short of room takes no new run, until ended ones were retired", async () => {
  await using cluster = await Cluster.open();
  const { log } = cluster.ports;
  await writeRuns(cluster, { runs: 40, tasks: 40 });
  await cluster.limitLog(1 / 0.755);
  await using folder = await TestFolder.make();
  const file = await folder.write(
    "dag.json",
    JSON.stringify({ name: "new", tasks: [{ id: "a", type: "function", command: "echo" }] }),
  );
  const run = ["run", file, ...cluster.args, "--detach", "--run-id", "new-1"];
  const refused = await dag(run);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("75 % of the room for runs, or for their values, is taken");
  await using _executor = cluster.executor();
  await until(
    async () => (await log.end()).fill <= 0.5,
    () => log.end(),
    60_000,
  );
  expect((await dag(run)).code).toBe(0);
});

/** An executor in this process, which counts the facts that it is handed. */
async function counting({ ports }: Cluster): Promise<{ service: ExecutorService; handed(): number }> {
  let handed = 0;
  const { log } = ports;
  const service = new ExecutorService({
    ...ports,
    log: overriding<RunLog>(log, {
      follow: (options, onFact) =>
        log.follow(options, (fact) => {
          handed++;
          onFact(fact);
        }),
    }),
    definitions: new StoredDefinitions(ports.blobs),
    clock: systemClock,
    random: systemRandom,
    observer: { observe: () => undefined },
    probeIntervalMs: 1_000,
    limits: { deadAfterMs: 30_000, goneAfterMs: 2_000, overtimeMs: 30_000 },
    lossCap: 5,
    inlineLimit: 65_536,
    windowOf: () => 100,
    workers: [],
    registry: { register: () => undefined },
    standsIn: false,
    retention: {
      retireAfterMs: 1,
      maxFacts: 0,
      historyMs: 1e9,
      historyRuns: 1e9,
      historyBytes: 1e9,
    },
  });
  await service.start();
  await until(() => service.own()?.shares.length === SHARES, undefined, 60_000);
  return { service, handed: () => handed };
}

test("an executor that starts after 20,000 facts were retired reads next to nothing", async () => {
  await using cluster = await Cluster.open();
  const { log, checkpoints } = cluster.ports;
  const [runs, tasks] = [200, 98];
  await writeRuns(cluster, { runs, tasks, dags: 40 });
  const first = await counting(cluster);
  expect(first.handed()).toBeGreaterThanOrEqual(runs * (tasks + 2));
  await until(
    async () => (await log.end()).facts === 2 * runs,
    () => log.end(),
    120_000,
  );
  const newest = new Map<number, number>();
  for (const { partition, seq } of await log.milestones(1, (await log.end()).seq)) {
    newest.set(shareOf(partition), seq);
  }
  expect(newest.size).toBeGreaterThan(5);
  for (const [share, seq] of newest) {
    await until(
      async () => (await checkpoints.get(share))?.anchor.seq === seq,
      async () => ({ share, seq, stored: await checkpoints.get(share) }),
    );
  }
  await first.service.stop();
  const second = await counting(cluster);
  // Of each share the newest, by which the checkpoint is known to be of this log.
  expect(second.handed()).toBe(newest.size);
  await second.service.stop();
}, 240_000);
