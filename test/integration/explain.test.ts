/** `dag explain` on a real cluster: each reason to wait, and how attempts ended, as a person reads it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Names } from "../../internal/contract/subjects.ts";
import { connectNats, type Connection } from "../../internal/nats/connection.ts";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let folder: TestFolder;
let connection: Connection;
let executor: Program;
let worker: Program;

beforeAll(async () => {
  server = await TestServer.start();
  folder = await TestFolder.make();
  connection = await connectNats({ servers: server.url, name: "test" });
  executor = new Program("executor", ["--nats", server.url]);
  worker = new Program("worker", ["--nats", server.url, "--id", "w", "--workers", "1"]);
  await until(async () => (await on("workers")).stdout.includes("live"));
});
afterAll(async () => {
  await executor[Symbol.asyncDispose]();
  await worker[Symbol.asyncDispose]();
  await connection.nc.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function on(...args: string[]): Promise<Finished> {
  return dag(args, { NATS_URL: server.url });
}

async function explain(...args: string[]): Promise<string> {
  return (await on("explain", ...args)).stdout;
}

async function explainJson(...args: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await explain(...args, "--json")) as Record<string, unknown>;
}

/** Waits until the explanation says so. */
async function explains(args: readonly string[], text: string | RegExp): Promise<string> {
  let last = "";
  return until(
    async () => {
      last = await explain(...args);
      return (typeof text === "string" ? last.includes(text) : text.test(last)) && last;
    },
    () => last,
  );
}

async function submit(name: string, yaml: string): Promise<void> {
  const file = await folder.write(`${name}.yaml`, yaml);
  expect(await on("run", file, "--detach", "--run-id", name)).toMatchObject({ code: 0 });
}

const held = (): string => `while [ -d ${folder.path} ] && [ ! -e ${folder.path}/go ]; do sleep 0.05; done`;

test("what each task waits for: a worker, a back-off, the one slot, its upstream", async () => {
  await submit(
    "waits",
    `name: waits
tasks:
  - { id: flaky, command: 'exit 7', retries: 1, retry: { initial: 1h, max: 1h, jitter: 0 } }
  - { id: holds, command: '${held()}', timeout: 5m }
  - { id: turn, command: 'true', depends_on: [] }
  - { id: gpu, command: 'true', queue: gpu }
  - { id: last, command: 'true', depends_on: [holds, gpu] }
`,
  );
  const whole = await explains(["waits"], /holds on w for .* of 5m00s at most/);
  expect(whole).toMatch(/^ {2}1 running:$/m);
  expect(whole).toMatch(/flaky until 20.*, in 59m/);
  expect(whole).toContain("1 queue 'gpu' is waiting for a worker: start one with --queues gpu: gpu");
  expect(whole).toContain("last holds (running), gpu (without a worker)");
  expect(await explains(["waits", "turn"], "for a free worker")).toContain(
    "waiting in queue 'default' for a free worker",
  );
  const flaky = await explain("waits", "flaky");
  expect(flaky).toMatch(
    /^task 'flaky' of run waits \(DAG 'waits'\): retrying\n {2}waiting after a failure until /,
  );
  expect(flaky).toMatch(/^1 +w +20\S+ \S+ +\S+ +exit-nonzero: exit code 7$/m);
  expect(await explainJson("waits", "flaky")).toMatchObject({
    state: "retrying",
    wait: { reason: "back-off" },
    attempts: [{ attempt: 1, worker: "w", outcome: "exit-nonzero", exit_code: 7, void: null }],
  });
  expect((await on("status", "waits")).stdout).toContain("  Task 'flaky', attempt 1: exit code 7\n");
  expect((await on("status", "waits")).stdout).toContain(
    "! queue 'gpu' is waiting for a worker: start one with --queues gpu",
  );
  await folder.write("go", "");
  await on("cancel", "waits");
  expect(await explain("waits", "gpu")).toContain("cancelled with its run: cancelled by request");
});

test("how attempts ended: signal, time limit, upstream; and outcomes that do not count", async () => {
  await submit(
    "ends",
    `name: ends
tasks:
  - { id: killed, command: 'kill -SEGV $$' }
  - { id: slow, command: 'sleep 60', timeout: 300ms, retries: 1, retry: { initial: 10ms } }
  - { id: below, command: 'true', depends_on: [killed] }
`,
  );
  expect(await on("wait", "ends")).toMatchObject({ code: 1 });
  // A zombie writes what it had to say.
  const facts = new Names("jetdag").factsOf("ends");
  const { state } = await connection.jsm.streams.info("JETDAG_RUNS", { subjects_filter: facts });
  const submission = Object.keys(state.subjects ?? {}).find((each) => each.endsWith(".submitted")) ?? "";
  const stored = await connection.jsm.streams.getMessage("JETDAG_RUNS", { last_by_subj: submission });
  const item = { task: "slow", index: 0, attempt: 1, state: "completed", worker: "zombie", duration_ms: 5 };
  await connection.nc.request(
    submission.replace("submitted", "outcomes.default.zombie.1"),
    JSON.stringify({ v: 1, run_seq: stored?.seq, items: [item] }),
  );
  const whole = await explain("ends");
  expect(whole).toContain("killed failed: killed: ended by SIGSEGV");
  expect(whole).toContain("slow failed: timed-out: time limit of 0.3 s reached");
  expect(whole).toContain("1 outcome did not count: 1 run-over");
  const slow = await explain("ends", "slow");
  expect(slow.match(/timed-out: time limit/g)).toHaveLength(2);
  expect(slow).toMatch(/^1 +zombie .* void \(run-over\): completed$/m);
  expect(await explain("ends", "below")).toContain(
    "not started, since these did not succeed: killed (failed)",
  );
  expect(await explainJson("ends")).toMatchObject({
    state: "failed",
    counts: { failed: 2, upstream_failed: 1 },
    waits: [],
    void_outcomes: { "run-over": 1 },
  });
});

test("without an executor: that is what it waits for, and nothing else is lost from view", async () => {
  await executor[Symbol.asyncDispose]();
  await submit("forsaken", "name: forsaken\ntasks: [{ id: a, command: 'true' }]\n");
  expect(await explain("forsaken")).toMatch(/1 waiting for an executor: a$/m);
  expect((await on("status", "forsaken")).stdout).toContain("! waiting for an executor");
  executor = new Program("executor", ["--nats", server.url]);
  expect(await on("wait", "forsaken")).toMatchObject({ code: 0 });
});

test.each([
  ["an unknown run", ["nobody"], "run 'nobody' is not known here"],
  ["a task that is nearly right", ["ends", "slw"], "task 'slw' is not in run 'ends': did you mean 'slow'?"],
])("%s: exit 2", async (_name, args, message) => {
  const { code, stdout, stderr } = await on("explain", ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});
