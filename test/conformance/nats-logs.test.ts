/** The stream of the logs: how much it keeps, who decides, and what if there is no room, or no server. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { LOG_BOUNDS, type LogBounds } from "../../internal/contract/streams.ts";
import type { LogBatch } from "../../internal/core/attempt-log.ts";
import { connectNats, type Connection } from "../../internal/nats/connection.ts";
import { newNamespace, type OpenedCluster, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";
import { outcomes, RUN } from "./samples.ts";

const MIB = 1_024 * 1_024;
const HOUR_MS = 60 * 60_000;
const NANOS = 1_000_000;

let namespace: string;
let servers: TestServer[];
let admin: Connection | undefined;
let opened: OpenedCluster[];

beforeEach(() => {
  namespace = newNamespace();
  servers = [];
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((cluster) => cluster.close()));
  await admin?.nc.close();
  admin = undefined;
  for (const server of servers) await server[Symbol.asyncDispose]();
});

async function start(maxFileStore?: string): Promise<TestServer> {
  const server = await TestServer.start(maxFileStore === undefined ? {} : { maxFileStore });
  servers.push(server);
  admin = await connectNats({ servers: server.url, name: "admin" });
  return server;
}

/** An executor says what the bounds are; others do not. */
async function open({ url }: TestServer, logBounds: LogBounds | undefined): Promise<OpenedCluster> {
  const cluster = await openTestCluster({ servers: url, namespace, more: { logBounds } });
  opened.push(cluster);
  return cluster;
}

const name = (): string => `${namespace.toUpperCase()}_LOGS`;

async function bounds(): Promise<LogBounds | undefined> {
  const { config } = (await admin?.jsm.streams.info(name())) ?? {};
  return config === undefined ? undefined : { bytes: config.max_bytes, ageMs: config.max_age / NANOS };
}

const batch = (n: number, bytes = 10): LogBatch => ({
  attempt: { runId: "r", task: "a", index: 0, attempt: 1, runSeq: 1 },
  worker: "w",
  writer: "w-1",
  slot: `h${n}`,
  from: n * bytes,
  bytes,
  isTail: false,
  pieces: [{ time: 1_000, stream: "stdout", text: "x".repeat(bytes) }],
});

async function slotsOf(cluster: OpenedCluster): Promise<string[]> {
  const slots: string[] = [];
  await cluster.logs.read({ runId: "r" }, ({ slot }) => void slots.push(slot));
  return slots;
}

it("is as it was said last; who says nothing leaves it as it is", async () => {
  const server = await start();
  await open(server, LOG_BOUNDS);
  expect(await bounds()).toEqual(LOG_BOUNDS);
  const other = { bytes: 16 * MIB, ageMs: HOUR_MS };
  const cluster = await open(server, other);
  expect(await bounds()).toEqual(other);
  expect(cluster.told.troubles).toEqual([]);
  await admin?.jsm.streams.update(name(), { max_bytes: 17 * MIB });
  await open(server, undefined);
  expect((await bounds())?.bytes).toBe(17 * MIB);
});

it("without anybody's word it is 1 GiB and 7 days", async () => {
  await open(await start(), undefined);
  expect(await bounds()).toEqual({ bytes: 1_024 * MIB, ageMs: 7 * 24 * HOUR_MS });
});

it("takes a part of what room there is, and says so", async () => {
  const server = await start("100M");
  const cluster = await open(server, undefined);
  const { bytes = 0 } = (await bounds()) ?? {};
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(25 * MIB);
  expect(cluster.told.troubles).toEqual([
    `the server has no room for ${1_024 * MIB} bytes of logs (--logs-bytes): ${bytes} are kept; give JetStream more room (max_file_store)`,
  ]);
  await cluster.logs.put(batch(0));
  // Another one finds its room all the same.
  namespace = newNamespace();
  await open(server, undefined);
  expect((await bounds())?.bytes).toBeGreaterThan(0);
});

it("stays as large as it is where there is no room for more", async () => {
  const server = await start("100M");
  await open(server, { bytes: 2 * MIB, ageMs: HOUR_MS });
  const cluster = await open(server, { bytes: 1_024 * MIB, ageMs: 2 * HOUR_MS });
  expect(await bounds()).toEqual({ bytes: 2 * MIB, ageMs: 2 * HOUR_MS });
  expect(cluster.told.troubles.join()).toContain("--logs-bytes");
});

it("has room for what is new: the oldest go", async () => {
  const cluster = await open(await start(), { bytes: MIB, ageMs: HOUR_MS });
  const { logs } = cluster;
  await Promise.all(Array.from({ length: 30 }, (_, n) => logs.put(batch(n, 100_000))));
  const slots = await slotsOf(cluster);
  expect(slots.length).toBeGreaterThan(5);
  expect(slots).toEqual(Array.from({ length: slots.length }, (_, i) => `h${30 - slots.length + i}`));
  expect(await logs.since()).toBeGreaterThan(0);
});

it("a stream that is gone holds up logs alone, and what waits is stored when it is there again", async () => {
  const server = await start();
  const cluster = await open(server, { bytes: MIB, ageMs: HOUR_MS });
  await admin?.jsm.streams.delete(name());
  let isStored = false;
  const storing = cluster.logs.put(batch(0)).then(() => (isStored = true));
  await until(() => cluster.told.troubles.some((what) => what.includes("_LOGS")));
  expect(await cluster.log.append(RUN, outcomes(1))).toMatchObject({ stored: true });
  expect({ isStored, why: cluster.pressure.why() }).toEqual({ isStored: false, why: undefined });
  await open(server, { bytes: MIB, ageMs: HOUR_MS });
  await storing;
  expect(await slotsOf(cluster)).toEqual(["h0"]);
});

it("a kill of the server costs neither who writes nor who follows anything", async () => {
  const server = await start();
  const [writer, reader] = [await open(server, LOG_BOUNDS), await open(server, undefined)];
  const seen: string[] = [];
  const handlers = { batch: ({ slot }: LogBatch) => void seen.push(slot), caughtUp: () => undefined };
  const follower = await reader.logs.follow({ runId: "r" }, handlers);
  await writer.logs.put(batch(0));
  await server.kill();
  const storing = writer.logs.put(batch(1));
  await server.restart();
  await storing;
  await writer.logs.put(batch(2));
  await until(
    () => seen.includes("h2"),
    () => seen,
  );
  expect(new Set(seen)).toEqual(new Set(["h0", "h1", "h2"]));
  await follower.stop();
});

it("what is no log is told, and left where it is; the rest is read", async () => {
  const server = await start();
  const cluster = await open(server, LOG_BOUNDS);
  await cluster.logs.put(batch(0));
  for (const subject of ["r.a.0.1.w-1.h1", "r.a.0.1.strange", "r.a.x.1.w-1.h2"]) {
    await admin?.nc.request(`${namespace}.log.${subject}`, "no log");
  }
  await cluster.logs.put(batch(3));
  const told = `3 messages in ${name()} could not be read, and left out; the last one: no log has such a subject`;
  expect(await slotsOf(cluster)).toEqual(["h0", "h3"]);
  expect(await slotsOf(cluster)).toEqual(["h0", "h3"]);
  expect(cluster.told.troubles).toEqual([told]);
  const other = await open(server, undefined);
  const seen: string[] = [];
  const handlers = { batch: ({ slot }: LogBatch) => void seen.push(slot), caughtUp: () => undefined };
  const follower = await other.logs.follow({ runId: "r" }, handlers);
  await follower.reached();
  expect({ seen, troubles: other.told.troubles }).toEqual({ seen: ["h0", "h3"], troubles: [] });
  await follower.stop();
  expect(other.told.troubles).toEqual([told]);
  expect([...cluster.told.letters, ...other.told.letters]).toEqual([]);
  expect((await admin?.jsm.streams.info(name()))?.state).toMatchObject({ messages: 5, last_seq: 5 });
});
