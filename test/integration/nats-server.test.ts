/** A nats-server as a child: it is ready when it says so, and it never outlives us. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connectNats } from "../../internal/nats/connection.ts";
import { runServer, ServerFailed } from "../../internal/nats/server/run.ts";
import { TestFolder } from "../support/folder.ts";
import { serverBinary, TestServer } from "../support/nats-server.ts";
import { isRunning, parentOf } from "../support/processes.ts";
import { Snippet } from "../support/snippet.ts";
import { until } from "../support/until.ts";

/** Temporary folders of the servers are made here, so that one can see that they go. */
let temporary: TestFolder;
let binary: string;

beforeAll(async () => {
  binary = await serverBinary();
  temporary = await TestFolder.make();
  vi.stubEnv("TMPDIR", temporary.path);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await temporary[Symbol.asyncDispose]();
});

async function leftBehind(): Promise<string[]> {
  return (await readdir(temporary.path)).filter((name) => name.startsWith("jetdag-nats-"));
}

async function failureOf(options: Parameters<typeof runServer>[0]): Promise<string> {
  const outcome = await runServer(options).catch((error: unknown) => error);
  if (outcome instanceof ServerFailed) return outcome.message;
  throw new Error(`no failure, but ${JSON.stringify(outcome)}`);
}

test("is ready with JetStream on a loopback port, and leaves nothing when stopped", async () => {
  const server = await runServer({ binary });
  const { nc, jsm } = await connectNats({ servers: server.url, name: "test" });
  await jsm.streams.add({ name: "A", subjects: ["a"] });
  expect(nc.info?.version).toBe(server.version);
  expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
  await nc.close();
  expect(isRunning(server.pid)).toBe(true);
  await server.stop();
  await server.stop();
  expect(isRunning(server.pid)).toBe(false);
  expect(await leftBehind()).toEqual([]);
});

test("several at once do not get in each other's way", async () => {
  const servers = await Promise.all([1, 2, 3].map(() => runServer({ binary })));
  expect(new Set(servers.map(({ port }) => port)).size).toBe(3);
  await Promise.all(servers.map((server) => server.stop()));
  expect(servers.map(({ pid }) => isRunning(pid))).toEqual([false, false, false]);
});

test("after kill -9 it comes back on its port with its data", async () => {
  await using server = await TestServer.start();
  const { port, pid } = server;
  const before = await connectNats({ servers: server.url, name: "test" });
  await before.jsm.streams.add({ name: "A", subjects: ["a"] });
  await before.nc.close();
  await server.kill();
  expect(isRunning(pid)).toBe(false);
  await server.restart();
  expect(server.port).toBe(port);
  const after = await connectNats({ servers: server.url, name: "test" });
  expect((await after.jsm.streams.info("A")).config.subjects).toEqual(["a"]);
  await after.nc.close();
});

test("one that does not obey is killed", async () => {
  const server = await runServer({ binary });
  process.kill(server.pid, "SIGSTOP");
  await server.stop();
  expect(isRunning(server.pid)).toBe(false);
  expect(await leftBehind()).toEqual([]);
});

test("a port that is taken: the error has the server's own words", async () => {
  await using other = await TestServer.start();
  expect(await failureOf({ binary, port: other.port })).toMatch(
    /ended at once.*\n(.*\n)*.*address already in use/,
  );
  expect(await leftBehind()).toEqual([]);
});

test("a store that cannot be used", async () => {
  await using folder = await TestFolder.make();
  await folder.write("data", "a file");
  expect(await failureOf({ binary, folder: folder.path })).toMatch(/jetstream|directory/i);
  const file = await folder.write("file", "");
  expect(await failureOf({ binary, folder: file })).toContain("its folder cannot be used: ENOTDIR");
});

test("a program that is not there or no server", async () => {
  expect(await failureOf({ binary: "/missing/nats-server" })).toContain("cannot run /missing/nats-server");
  expect(await failureOf({ binary: "/bin/sh" })).toContain("ended at once");
  expect(await leftBehind()).toEqual([]);
});

const START = `
  const { runServer } = await load("internal/nats/server/run.js");
  const server = await runServer({ binary: input });
  say({ pid: server.pid, url: server.url });
`;

test("kill -9 of the process that started it takes the server, its keeper and its folder along", async () => {
  await using own = await TestFolder.make();
  await using parent = new Snippet(`${START} setInterval(() => {}, 1_000);`, {
    input: binary,
    env: { TMPDIR: own.path },
  });
  const { pid } = await parent.says<{ pid: number }>();
  const keeper = parentOf(pid);
  expect(parentOf(keeper)).toBe(parent.pid);
  expect(await readdir(own.path)).toHaveLength(1);
  parent.kill("SIGKILL");
  const state = async (): Promise<unknown> => ({
    server: isRunning(pid),
    keeper: isRunning(keeper),
    left: await readdir(own.path),
  });
  await until(async () => {
    const left = await readdir(own.path);
    return !isRunning(pid) && !isRunning(keeper) && left.length === 0;
  }, state);
});

test("a keeper that is asked to end takes the server along", async () => {
  const server = await runServer({ binary });
  const keeper = parentOf(server.pid);
  process.kill(keeper, "SIGTERM");
  await until(() => !isRunning(keeper));
  expect(isRunning(server.pid)).toBe(false);
  await server.stop();
});

test("a process that forgets to stop it ends all the same, and so does the server", async () => {
  await using parent = new Snippet(START, { input: binary });
  const { pid } = await parent.says<{ pid: number }>();
  expect(await parent.ended).toBe(0);
  await until(() => !isRunning(pid));
});

test("a process that waits for its end, and for nothing else, lives to see it", async () => {
  await using parent = new Snippet(`${START} await server.stop(); say("stopped");`, { input: binary });
  await parent.says((value) => value === "stopped");
  expect(await parent.ended).toBe(0);
});

test("Ctrl-C reaches us and not the server", async () => {
  await using parent = new Snippet(
    `process.on("SIGINT", async () => {
      const { connectNats } = await load("internal/nats/connection.js");
      const { nc } = await connectNats({ servers: server.url, name: "test" });
      await nc.close();
      say("still there");
      await server.stop();
      process.exit(0);
    });
    ${START} setInterval(() => {}, 1_000);`,
    { input: binary, ownGroup: true },
  );
  const { pid } = await parent.says<{ pid: number }>();
  // As a terminal does it: to the whole group.
  process.kill(-parent.pid, "SIGINT");
  await parent.says((value) => value === "still there");
  expect(await parent.ended).toBe(0);
  expect(isRunning(pid)).toBe(false);
});

test("runs from a folder with blanks in its name", async () => {
  await using folder = await TestFolder.make();
  const home = join(folder.path, "my data");
  await mkdir(home);
  const server = await runServer({ binary, folder: home });
  await server.stop();
  expect(await readdir(home)).toContain("data");
});
