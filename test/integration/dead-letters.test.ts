/** `dag dead` on a real cluster: a task that kills its workers, and messages that nobody can read. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Names } from "../../internal/contract/subjects.ts";
import { connectNats, type Connection } from "../../internal/nats/connection.ts";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { KILL_WORKER } from "../support/processes.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const names = new Names("jetdag");

let server: TestServer;
let folder: TestFolder;
let connection: Connection;
let executor: Program;

beforeAll(async () => {
  server = await TestServer.start();
  folder = await TestFolder.make();
  connection = await connectNats({ servers: server.url, name: "test" });
  executor = new Program("executor", ["--nats", server.url, "--dead-after", "3s", "--heartbeat", "1s"]);
  await until(async () => (await on("workers")).code === 0);
});
afterAll(async () => {
  await executor[Symbol.asyncDispose]();
  await connection.nc.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function on(...args: string[]): Promise<Finished> {
  return dag(args, { NATS_URL: server.url });
}

function worker(id: string): Program {
  return new Program("worker", ["--nats", server.url, "--id", id, "--heartbeat", "1s"]);
}

async function letters(...flags: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await on("dead", "list", "--json", ...flags);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function letter(...flags: string[]): Promise<Record<string, unknown> & { readonly id: string }> {
  const found = await until(
    async () => (await letters(...flags))[0],
    () => letters(),
  );
  return found as Record<string, unknown> & { readonly id: string };
}

test("a task that kills its workers: listed, shown with who died, and run again", async () => {
  const harmless = `${folder.path}/harmless`;
  const file = await folder.write(
    "poison.json",
    JSON.stringify({
      name: "poison",
      tasks: [
        { id: "bad", command: `test -e ${harmless} || ${KILL_WORKER}` },
        { id: "after", command: "true", depends_on: ["bad"] },
      ],
    }),
  );
  await using _first = worker("w1");
  const run = on("run", file, "--run-id", "mine", "--loss-cap", "1");
  await until(async () => (await on("workers")).stdout.includes("w1"));
  await using _second = worker("w2");
  expect(await run).toMatchObject({ code: 1 });
  const { id } = await letter("--kind", "crashed", "--run", "mine");
  expect(await letter()).toMatchObject({ kind: "crashed", run_id: "mine", task: "bad", losses: 2 });
  expect((await on("dead", "list")).stdout).toMatch(new RegExp(`^${id}  crashed .* bad of run mine `, "m"));
  const shown = await on("dead", "show", id);
  expect(shown.stdout).toContain("task 'bad' of run mine (DAG 'poison') crashed: 2 times its worker died");
  expect(shown.stdout).toMatch(/^1 +w1 .*dead/m);
  expect(shown.stdout).toMatch(/^2 +w2 .*dead/m);
  expect(JSON.parse((await on("dead", "show", id, "--json")).stdout)).toMatchObject({
    dag: "poison",
    gen: 0,
    losses: [
      { attempt: 1, worker: "w1" },
      { attempt: 2, worker: "w2" },
    ],
  });

  await folder.write("harmless", "");
  await using _third = worker("w3");
  expect((await on("dead", "replay", id)).stdout).toContain(`${id}: run mine goes on with this task`);
  expect(await letters("--run", "mine")).toEqual([]);
  expect(await on("wait", "mine")).toMatchObject({ code: 0 });
});

test("a message of a queue that nobody can read: shown, sent again where it is waited for, dropped", async () => {
  await using _worker = worker("w");
  const subject = names.task("default", { runId: "nobody", task: "a", index: 0, attempt: 1 });
  connection.nc.publish(subject, Uint8Array.of(0xff, 0x00, 0x41));
  const { id } = await letter("--run", "nobody");
  const shown = await on("dead", "show", id);
  expect(shown.stdout).toContain(`subject  ${subject}`);
  expect(shown.stdout).toMatch(/^00000000 {2}ff 00 41 +\|\.\.A\|$/m);
  expect(JSON.parse((await on("dead", "show", id, "--json")).stdout)).toMatchObject({
    hex: "ff0041",
    size: 3,
  });
  const refused = await on("dead", "replay", id);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("nobody waits for attempt 1 of task 'a': run 'nobody' is not known");
  expect(refused.stderr).toContain(`dag dead drop ${id}`);
  expect((await on("dead", "drop", id)).stdout).toBe("1 letter dropped\n");
  expect(await letters("--run", "nobody")).toEqual([]);
});

test("what the queue could not be read for is sent again while its attempt is waited for", async () => {
  const file = await folder.write(
    "waits.yaml",
    `name: waits\ntasks: [{ id: a, queue: odd, command: 'until test -e ${folder.path}/go; do sleep 0.1; done' }]\n`,
  );
  await on("run", file, "--detach", "--run-id", "waits");
  const attempt = { runId: "waits", task: "a", index: 0, attempt: 1 };
  const subject = names.task("odd", attempt);
  await until(async () => (await attemptsOf("waits")) === 1);
  // Somebody's garbage in its place; the executor may be faster with another copy, here and later. Nothing of it ends before it may.
  await until(async () => {
    await connection.jsm.streams.purge(names.tasksStream, { filter: subject });
    const { data } = await connection.nc.request(subject, "not { JSON", { timeout: 5_000 });
    return !new TextDecoder().decode(data).includes("error");
  });
  await using _worker = new Program("worker", [
    ...["--nats", server.url, "--queues", "odd", "--heartbeat", "1s"],
  ]);
  const { id } = await letter("--run", "waits");
  const { stdout, code } = await on("dead", "replay", id);
  expect({ stdout, code }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/sent again; it comes back|its queue holds this attempt again already/),
  });
  // The executor has what is owed queued again in time, and the run completes.
  await folder.write("go", "");
  expect(await on("wait", "waits")).toMatchObject({ code: 0 });
});

async function attemptsOf(runId: string): Promise<number> {
  const { state } = await connection.jsm.streams.info(names.tasksStream, {
    subjects_filter: names.tasksOf("*", runId),
  });
  return Object.keys(state.subjects ?? {}).length;
}

test("a fact that nobody can read: the log holds it, until it is dropped", async () => {
  const subject = names.fact(
    { runId: "strange", partition: 3 },
    {
      kind: "cancel",
      gen: 0,
      cause: "request",
      message: "",
    },
  );
  await connection.nc.request(subject, '{"v":99}', { timeout: 5_000 });
  const { id } = await letter("--run", "strange");
  const refused = await on("dead", "replay", id, "--json");
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({ id, answer: "refused" });
  expect(refused.stderr).toContain("the log still holds this message, and this version cannot read it");
  expect((await on("dead", "drop", id, "--json")).stdout).toBe('{"dropped":1}\n');
  const query = { last_by_subj: subject };
  expect(await connection.jsm.streams.getMessage(names.runsStream, query)).toBeNull();
});

test("all of them are dropped only by who means it", async () => {
  await on("dead", "drop", "--all", "--yes");
  for (const n of [1, 2, 3]) {
    await connection.nc.request(`jetdag.run.1.r.odd.${n}`, "{", { timeout: 5_000 });
  }
  await until(
    async () => (await letters()).length === 3,
    () => letters(),
  );
  const asked = await on("dead", "drop", "--all");
  expect(asked).toMatchObject({ code: 2, stdout: "" });
  expect(asked.stderr).toContain("--all drops 3 letters for good: say --yes, too, if you mean it");
  expect((await on("dead", "drop", "--all", "--kind", "crashed", "--yes")).stdout).toBe(
    "0 letters dropped\n",
  );
  expect((await on("dead", "drop", "--all", "--yes")).stdout).toBe("3 letters dropped\n");
  expect((await on("dead", "list")).stdout).toBe("no dead letter\n");
});

test.each([
  ["an id that is none", ["show", "nothing"], "there is no dead letter 'nothing': `dag dead list` shows"],
  ["an id that is unknown", ["drop", "0123456789abcdef"], "there is no dead letter '0123456789abcdef'"],
  ["a kind that is none", ["list", "--kind", "odd"], "--kind: 'odd' is none: use one of unreadable, crashed"],
  ["a limit that is none", ["list", "--limit", "0"], "use a whole number from 1 to 100000"],
  ["drop without a letter", ["drop"], "name the letters to drop"],
  ["drop of one and all", ["drop", "0123456789abcdef", "--all"], "but not both"],
  ["drop by a flag alone", ["drop", "--kind", "crashed"], "say --all, too"],
])("%s: exit 2", async (_name, args, message) => {
  const { code, stderr, stdout } = await on("dead", ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});
