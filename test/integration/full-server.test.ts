/** A stream without room, with real processes: dispatch and intake pause, everybody says why, and nothing is lost. */
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectNats, type Connection } from "../../internal/nats/connection.ts";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const TASKS = 60;

let server: TestServer;
let folder: TestFolder;
let admin: Connection;
let executor: Program;
let worker: Program;

beforeEach(async () => {
  server = await TestServer.start();
  folder = await TestFolder.make();
  admin = await connectNats({ servers: server.url, name: "admin" });
  executor = new Program("executor", ["--nats", server.url]);
  worker = new Program("worker", ["--nats", server.url, "--id", "w", "--workers", "2"]);
  await until(async () => (await on("workers")).stdout.includes("live"));
});
afterEach(async () => {
  await executor[Symbol.asyncDispose]();
  await worker[Symbol.asyncDispose]();
  await admin.nc.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function on(...args: string[]): Promise<Finished> {
  return dag(args, { NATS_URL: server.url });
}

async function limit(name: "RUNS" | "TASKS", max_bytes: number): Promise<void> {
  await admin.jsm.streams.update(`JETDAG_${name}`, { max_bytes });
}

async function says(args: readonly string[], text: string): Promise<void> {
  let last = "";
  await until(
    async () => {
      last = (await on(...args)).stdout;
      return last.includes(text);
    },
    () => last,
  );
}

/** Many tasks that each leave a line in a file. */
async function submit(): Promise<void> {
  const tasks = Array.from({ length: TASKS }, (_, i) => ({
    id: `t${i}`,
    command: `echo t${i} >> ${folder.path}/ran`,
  }));
  const file = await folder.write("wide.json", JSON.stringify({ name: "wide", tasks }));
  expect(await on("run", file, "--detach", "--run-id", "wide")).toMatchObject({ code: 0 });
}

/** Nothing was lost, and nothing ran twice. */
const WHOLE = { code: 0, completedAtOnce: TASKS, ran: TASKS, different: TASKS };

async function endOf(): Promise<typeof WHOLE> {
  const { code, stdout } = await on("wait", "wide", "--json");
  const { tasks } = JSON.parse(stdout) as { tasks: Record<string, { state: string; attempts: number }> };
  const ran = (await readFile(`${folder.path}/ran`, "utf8")).trim().split("\n");
  return {
    code: code ?? -1,
    completedAtOnce: Object.values(tasks).filter((each) => each.state === "completed" && each.attempts === 1)
      .length,
    ran: ran.length,
    different: new Set(ran).size,
  };
}

test("a full work queue: dispatch pauses, and goes on when there is room", async () => {
  // Not even one attempt has room.
  await limit("TASKS", 100);
  await submit();
  const full = "the server is full: maximum bytes exceeded (stream JETDAG_TASKS)";
  await says(["explain", "wide"], full);
  await says(["status", "wide"], full);
  await says(["queues"], full);
  await limit("TASKS", -1);
  expect(await endOf()).toEqual(WHOLE);
});

test("a full log: outcomes wait in a worker that lives, takes nothing more, and says why", async () => {
  await submit();
  await until(async () => (await admin.jsm.streams.info("JETDAG_RUNS")).state.messages > 2);
  await limit("RUNS", 1);
  await says(
    ["workers"],
    "! outcomes wait to be stored: the server is full: maximum bytes exceeded (stream JETDAG_RUNS)",
  );
  const file = `${folder.path}/wide.json`;
  const refused = await on("run", file, "--detach");
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toMatch(/of the room for runs, or for their values, is taken|is full/);
  await limit("RUNS", -1);
  expect(await endOf()).toEqual(WHOLE);
});
