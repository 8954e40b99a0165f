/** What workers as processes start, end and give back, when the server dies, the network is cut or they are told to go. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LoggedFact } from "../../internal/core/facts.ts";
import { TestFolder } from "../support/folder.ts";
import { newNamespace, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { KILL_WORKER } from "../support/processes.ts";
import { Program } from "../support/programs.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** A line that a task writes when it starts. */
interface Start {
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly worker: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Programs of one cluster in a namespace of its own, whose tasks write down when they start. */
class Stage implements AsyncDisposable {
  readonly namespace = newNamespace();
  readonly folder: TestFolder;
  readonly #url: string;
  readonly #programs: Program[] = [];

  private constructor(folder: TestFolder, url: string) {
    this.folder = folder;
    this.#url = url;
  }

  static async open(url: string): Promise<Stage> {
    return new Stage(await TestFolder.make(), url);
  }

  async executor(): Promise<Program> {
    const program = this.#start("executor", ["--nats", this.#url]);
    await program.says("lease taken");
    return program;
  }

  async worker(id: string, more: readonly string[] = [], url = this.#url): Promise<Program> {
    const flags = ["--nats", url, "--id", id, "--heartbeat", "1s", "--ack-wait", "10s", ...more];
    const program = this.#start("worker", flags, {
      STARTS: this.startsFile,
      DOORS: this.folder.path,
      WORKER: id,
    });
    await program.says("worker started");
    return program;
  }

  async submit(runId: string, tasks: readonly object[], more: readonly string[] = []): Promise<Program> {
    const file = await this.folder.write(`${runId}.json`, JSON.stringify({ name: runId, tasks }));
    const args = ["run", file, "--run-id", runId, "--nats", this.#url, "--namespace", this.namespace];
    const program = new Program("dag", [...args, "--json", ...more]);
    this.#programs.push(program);
    return program;
  }

  dag(args: readonly string[]): Program {
    const program = new Program("dag", [...args, "--nats", this.#url, "--namespace", this.namespace]);
    this.#programs.push(program);
    return program;
  }

  get startsFile(): string {
    return `${this.folder.path}/starts`;
  }

  async starts(): Promise<Start[]> {
    const text = await readFile(this.startsFile, "utf8").catch(() => "");
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => {
        const [run = "", task = "", attempt, worker = "", time] = line.split(" ");
        return { run, task, attempt: Number(attempt), worker, time: Number(time) };
      });
  }

  async facts(runId: string): Promise<LoggedFact[]> {
    const cluster = await openTestCluster({ servers: this.#url, namespace: this.namespace });
    try {
      return await cluster.log.factsOf(runId);
    } finally {
      await cluster.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    await this.folder[Symbol.asyncDispose]();
  }

  #start(name: "executor" | "worker", flags: readonly string[], env = {}): Program {
    const args = ["--namespace", this.namespace, "--log-level", "debug", ...flags];
    const program = new Program(name, args, env);
    this.#programs.push(program);
    return program;
  }
}

/** Writes its line, and then does what `rest` says. */
function script(rest = ":"): string {
  const line = "$JETDAG_RUN_ID $JETDAG_TASK_ID $JETDAG_ATTEMPT $WORKER $(date +%s%3N)";
  return `echo "${line}" >> $STARTS; ${rest}`;
}

/** The same as a function, which costs much less. */
const MARK = `
import { appendFileSync } from "node:fs";
const { STARTS, WORKER } = process.env;
export function mark(_params, { identity: { runId, task, attempt } }) {
  appendFileSync(STARTS, \`\${runId} \${task} \${attempt} \${WORKER} \${Date.now()}\\n\`);
}`;

/** When the log learned of the outcome of each attempt that counts; an attempt is named `task#n`. */
function endsOf(facts: readonly LoggedFact[]): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { fact, time } of facts) {
    if (fact.kind !== "outcomes") continue;
    for (const { task, attempt } of fact.items) {
      const key = `${task}#${attempt}`;
      if (!ends.has(key)) ends.set(key, time);
    }
  }
  return ends;
}

test("after kills of the server nothing is begun that the log knows to have ended", async () => {
  await using own = await TestServer.start();
  await using stage = await Stage.open(own.url);
  await stage.executor();
  const functions = await stage.folder.write("functions.mjs", MARK);
  for (const id of ["one", "two"]) await stage.worker(id, ["--functions", functions, "--workers", "10"]);
  const tasks = Array.from({ length: 4_000 }, (_, i) => ({
    id: `t${i}`,
    type: "function",
    command: "mark",
  }));
  const run = await stage.submit("kills", tasks);
  const trials = 5;
  for (let trial = 1; trial <= trials; trial++) {
    // At once after many acks, which it has not written down yet.
    await until(
      async () => (await stage.starts()).length > (trial * tasks.length) / (trials + 2),
      () => run.stderr.slice(-1_000),
      60_000,
    );
    await own.kill();
    await own.restart();
  }
  expect((await run.finished).code).toBe(0);
  const ends = endsOf(await stage.facts("kills"));
  const starts = await stage.starts();
  const begun = new Set<string>();
  const again = starts.filter(({ task, attempt }) => {
    const key = `${task}#${attempt}`;
    return begun.size === begun.add(key).size;
  });
  const tooLate = again.filter(({ task, attempt, time }) => (ends.get(`${task}#${attempt}`) ?? 0) <= time);
  expect(tooLate).toEqual([]);
  process.stdout.write(`${trials} kills, ${starts.length} executions, ${again.length} doubled\n`);
});

/** A task that waits for its file, and answers SIGTERM at once. */
const WAIT = script(`while [ ! -e $DOORS/$JETDAG_TASK_ID ]; do sleep 0.05; done`);

test("a worker that is cut off starts nothing; when it is back, what was cancelled meanwhile ends, and never starts", async () => {
  await using proxy = await TcpProxy.before(server.port);
  await using stage = await Stage.open(server.url);
  await stage.executor();
  const through = `nats://127.0.0.1:${proxy.port}`;
  const cutOff = await stage.worker("cut-off", ["--workers", "2"], through);
  // Its tasks are short so far, so it takes copies ahead.
  const short = Array.from({ length: 20 }, (_, i) => ({ id: `short${i}`, command: ":" }));
  expect((await (await stage.submit("short", short)).finished).code).toBe(0);
  const tasks = Array.from({ length: 6 }, (_, i) => ({ id: `t${i}`, command: WAIT }));
  const run = await stage.submit("cancelled", tasks);
  const begun = await until(async () => {
    const starts = await stage.starts();
    return starts.length === 2 && starts.map(({ run: id, task }) => `${id}/${task}`);
  });
  proxy.cut();
  await until(() => cutOff.stdout.includes("is lost, trying again"));
  expect((await stage.dag(["cancel", "cancelled"]).finished).code).toBe(0);
  expect((await run.finished).code).not.toBe(0);
  // One of the two ends by itself while nobody can tell the worker anything: its slot is free, and nothing may begin.
  const ends = (): number => cutOff.stdout.split(/"msg":"attempt (?:completed|failed)"/).length - 1;
  const before = ends();
  await stage.folder.write(begun[0]?.split("/")[1] ?? "", "");
  await until(() => ends() === before + 1);
  proxy.pass();
  // The other one is ended, since it is asked about what runs.
  await until(
    () => ends() === before + 2,
    () => cutOff.stdout.slice(-2_000),
  );
  const after = await stage.submit("after", [{ id: "last", command: script() }]);
  expect((await after.finished).code).toBe(0);
  expect((await stage.starts()).map(({ run: id, task }) => `${id}/${task}`)).toEqual([
    ...begun,
    "after/last",
  ]);
});

test("a drain under load: every task runs once, but for what had to be ended", async () => {
  await using stage = await Stage.open(server.url);
  await stage.executor();
  const flags = ["--workers", "8", "--shutdown-timeout", "10s"];
  const leaving = await stage.worker("leaving", flags);
  await stage.worker("staying", flags);
  const tasks = Array.from({ length: 400 }, (_, i) => ({ id: `t${i}`, command: script("sleep 0.05") }));
  const run = await stage.submit("load", tasks);
  await until(async () => (await stage.starts()).filter(({ worker }) => worker === "leaving").length > 40);
  leaving.kill("SIGTERM");
  const { code, stdout } = await leaving.finished;
  const leftAt = Date.now();
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("worker ended") });
  expect((await run.finished).code).toBe(0);
  const starts = await stage.starts();
  expect(starts).toHaveLength(400);
  expect(new Set(starts.map(({ task }) => task)).size).toBe(400);
  expect(starts.every(({ attempt }) => attempt === 1)).toBe(true);
  expect(starts.filter(({ worker, time }) => worker === "leaving" && time > leftAt)).toEqual([]);
});

test("a drain that has to end what runs: it runs elsewhere at once, and uses no retry", async () => {
  await using stage = await Stage.open(server.url);
  await stage.executor();
  const leaving = await stage.worker("leaving", [
    "--workers",
    "3",
    "--shutdown-timeout",
    "1s",
    "--grace",
    "1s",
  ]);
  const tasks = Array.from({ length: 3 }, (_, i) => ({ id: `t${i}`, command: WAIT }));
  const run = await stage.submit("long", tasks);
  await until(async () => (await stage.starts()).length === 3);
  await stage.worker("staying", ["--workers", "3"]);
  leaving.kill("SIGTERM");
  expect((await leaving.finished).code).toBe(0);
  await until(async () => (await stage.starts()).length === 6);
  for (const { id } of tasks) await stage.folder.write(id, "");
  expect((await run.finished).code).toBe(0);
  const starts = await stage.starts();
  expect(starts.slice(3).map(({ attempt, worker }) => [attempt, worker])).toEqual(
    Array.from({ length: 3 }, () => [2, "staying"]),
  );
});

test("a task that kills its workers ends as crashed, and says whom it has killed and how that was known", async () => {
  await using stage = await Stage.open(server.url);
  await stage.executor();
  const kill = script(`${KILL_WORKER}; sleep 10`);
  const run = await stage.submit("poison", [{ id: "bad", command: kill }], ["--loss-cap", "4"]);
  for (let i = 1; i <= 5; i++) {
    const worker = await stage.worker(`victim-${i}`, ["--workers", "1"]);
    await worker.finished;
  }
  const { stdout } = await run.finished;
  const { tasks } = JSON.parse(stdout) as { tasks: Record<string, object> };
  expect(tasks.bad).toMatchObject({
    state: "crashed",
    attempts: 5,
    error: { reason: "lost" },
    losses: Array.from({ length: 5 }, (_, i) => ({
      attempt: i + 1,
      worker: `victim-${i + 1}`,
      message: `worker 'victim-${i + 1}' is dead: its connection is gone`,
    })),
  });
  expect(await stage.starts()).toHaveLength(5);
});

test("a worker that cannot start, since the server has no answer any more, ends when it is told to", async () => {
  const sockets: Socket[] = [];
  const isRest = (): boolean => sockets.length > 2;
  const listener = createServer((client) => {
    const up = connect(server.port, "127.0.0.1");
    sockets.push(client, up);
    for (const socket of [client, up]) socket.on("error", () => undefined);
    // One connection stands; that for the worker's life is never answered.
    if (!isRest()) client.pipe(up).pipe(client);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  try {
    const { port } = listener.address() as AddressInfo;
    const flags = ["--nats", `nats://127.0.0.1:${port}`, "--namespace", newNamespace()];
    await using worker = new Program("worker", flags);
    await worker.says("showing the worker's life");
    worker.kill("SIGTERM");
    await worker.says("worker ended");
    expect(await worker.finished).toMatchObject({ code: 0 });
  } finally {
    for (const socket of sockets) socket.destroy();
    listener.close();
  }
});
