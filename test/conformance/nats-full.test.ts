/** What if the server has no room, or no answer? Who writes waits, can say why, and loses nothing. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { connectNats } from "../../internal/nats/connection.ts";
import { newNamespace, type OpenedCluster, openTestCluster } from "../support/nats-cluster.ts";
import { freeze } from "../support/processes.ts";
import { TestServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";
import { outcomes, RUN, work } from "./samples.ts";

let server: TestServer;
let namespace: string;
let opened: OpenedCluster[];

beforeEach(async () => {
  server = await TestServer.start();
  namespace = newNamespace();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((cluster) => cluster.close()));
  await server[Symbol.asyncDispose]();
});

async function open(): Promise<OpenedCluster> {
  const cluster = await openTestCluster({ servers: server.url, namespace });
  opened.push(cluster);
  return cluster;
}

/** Sets what a stream may hold, as its administrator would; -1 for all there is. */
async function limit(name: "RUNS" | "TASKS" | "BLOBS", max_bytes: number): Promise<void> {
  const { nc, jsm } = await connectNats({ servers: server.url, name: "admin" });
  await jsm.streams.update(stream(name), { max_bytes });
  await nc.close();
}

function stream(name: string): string {
  return `${namespace.toUpperCase()}_${name}`;
}

it("waits while the log is full, says so, and goes on when there is room", async () => {
  const cluster = await open();
  await limit("RUNS", 1_000);
  await cluster.log.append(RUN, outcomes(0));
  let stored = 0;
  const writes = Array.from({ length: 20 }, async (_, i) => {
    const answer = await cluster.log.append(RUN, outcomes(i + 1));
    if (answer.stored) stored++;
  });
  await until(
    () => cluster.told.troubles.some((what) => what.includes("full, waiting for room")),
    () => cluster.told.troubles,
  );
  expect(stored).toBeLessThan(20);
  // A fact that is there already is refused for that reason, however full it is.
  expect(await cluster.log.append(RUN, outcomes(0))).toEqual({ stored: false });
  await limit("RUNS", -1);
  await Promise.all(writes);
  expect(stored).toBe(20);
  expect(cluster.told.troubles.length).toBeLessThan(5);
});

it.each([
  ["is not wanted any more", "told to end"],
  ["cannot be read to its end", "the file is gone"],
])("what is stored of a value that has no room makes room again when it %s", async (_why, message) => {
  const cluster = await open();
  await limit("BLOBS", 3 * 1_024 * 1_024);
  const stop = new AbortController();
  const isFull = (): boolean => cluster.told.troubles.some((what) => what.includes("full"));
  const parts = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 15; i++) yield new Uint8Array(512 * 1_024);
    await until(isFull, () => cluster.told.troubles);
    if (message === "told to end") stop.abort();
    else throw new Error(message);
  };
  const place = { owner: { runId: "run-1" }, name: "art-a-0-1" };
  await expect(cluster.blobs.putStream(place, parts(), stop.signal)).rejects.toThrow(message);
  const { nc, jsm } = await connectNats({ servers: server.url, name: "admin" });
  const held = async (): Promise<number> => (await jsm.streams.info(stream("BLOBS"))).state.messages;
  await until(async () => (await held()) === 0, held);
  await nc.close();
});

it("a full queue holds up neither the log nor what goes there", async () => {
  const cluster = await open();
  await limit("TASKS", 10_000);
  // More than one window of messages.
  const waiting = Promise.all(Array.from({ length: 600 }, (_, n) => cluster.queue.enqueue(work(`t${n}`))));
  await until(
    () => cluster.pressure.why("queue"),
    () => cluster.told.troubles,
  );
  expect(cluster.pressure.why("queue")).toBe(
    `the server is full: maximum bytes exceeded (stream ${stream("TASKS")})`,
  );
  expect(cluster.pressure.why("log", "values")).toBeUndefined();
  expect(await cluster.log.append(RUN, outcomes(1))).toMatchObject({ stored: true });
  await limit("TASKS", -1);
  expect((await waiting).every(({ stored }) => stored)).toBe(true);
  expect(cluster.pressure.why()).toBeUndefined();
  expect(await cluster.queue.list()).toHaveLength(600);
});

it("who cannot wait for room is told why it was not stored, and it is not stored later either", async () => {
  const cluster = await open();
  await limit("RUNS", 100);
  const patient = cluster.log.append(RUN, outcomes(1));
  const giveUp = async (n: number): Promise<unknown> =>
    cluster.log.append(RUN, outcomes(n), { withinMs: 1_000 }).catch((error: unknown) => error);
  const [first, second] = await Promise.all([giveUp(2), giveUp(3)]);
  expect(first).toMatchObject({
    code: "NOT_STORED",
    isOpen: false,
    why: `the server is full: maximum bytes exceeded (stream ${stream("RUNS")})`,
  });
  expect(second).toMatchObject({ code: "NOT_STORED", isOpen: false });
  await limit("RUNS", -1);
  expect(await patient).toMatchObject({ stored: true });
  expect(await cluster.log.factsOf(RUN.runId)).toMatchObject([{ fact: { n: 1 } }]);
});

it("says that a frozen server has no answer; what was given up then may be stored", async () => {
  const cluster = await open();
  await cluster.log.append(RUN, outcomes(1));
  await freeze(server.pid);
  try {
    const patient = cluster.log.append(RUN, outcomes(2));
    const error: unknown = await cluster.log
      .append(RUN, outcomes(3), { withinMs: 4_000 })
      .catch((each: unknown) => each);
    expect(error).toMatchObject({ code: "NOT_STORED", isOpen: true });
    expect((error as Error).message).toContain(`the server has no answer (stream ${stream("RUNS")})`);
    await expect(cluster.log.end({ withinMs: 500 })).rejects.toMatchObject({
      code: "NOT_STORED",
      isOpen: false,
      why: "the server has no answer",
    });
    expect(cluster.pressure.why("log")).toBeDefined();
    process.kill(server.pid, "SIGCONT");
    expect(await patient).toMatchObject({ stored: true });
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
  await until(() => cluster.pressure.why() === undefined);
  expect((await cluster.log.factsOf(RUN.runId)).length).toBeGreaterThanOrEqual(2);
});

/** Long enough for a slow machine to ask within it. */
const TERM_MS = 5_000;

it("whoever holds a lease keeps it while the server is full, for longer than its term too", async () => {
  await using small = await TestServer.start({ maxFileStore: "34M" });
  const cluster = await openTestCluster({ servers: small.url, namespace, more: { leaseTermMs: TERM_MS } });
  opened.push(cluster);
  const lease = cluster.leases.named("share.0");
  expect(await lease.acquire("one")).toBe(true);
  const { nc, jsm } = await connectNats({ servers: small.url, name: "admin" });
  await jsm.streams.add({ name: "ELSE", subjects: ["else"] });
  const fill = async (bytes: number): Promise<void> => {
    const piece = new Uint8Array(bytes);
    for (;;) {
      const { error } = (await nc.request("else", piece)).json<{ error?: object }>();
      if (error !== undefined) return;
    }
  };
  for (const bytes of [1_000_000, 10_000, 100, 0]) await fill(bytes);
  // Asked again until there is room, the answer would come after the key has expired: then it is anybody's.
  await new Promise((resolve) => setTimeout(resolve, TERM_MS * 0.3));
  expect(await lease.renew("one")).toBe(true);
  await until(
    async () => (await lease.holder()) === undefined,
    () => "the key does not expire",
  );
  expect(await lease.renew("one")).toBe(true);
  await jsm.streams.delete("ELSE");
  expect(await lease.renew("one")).toBe(true);
  expect(await lease.holder()).toBe("one");
  await nc.close();
});
