/** What if the server dies in the middle, a consumer is gone, a stream is full? Nothing is lost, doubled or stuck. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { LoggedFact } from "../../internal/core/facts.ts";
import { connectNats } from "../../internal/nats/connection.ts";
import { Publisher } from "../../internal/nats/publisher.ts";
import type { Heartbeat, WorkerCommand } from "../../internal/ports/presence.ts";
import { Collected } from "../support/collected.ts";
import { newNamespace, type OpenedCluster, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";
import { Deliveries, HEARTBEAT, numbered, outcomes, RUN, SUBMITTED, work } from "./samples.ts";

const ACK_WAIT_MS = 1_000;

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
  const more = { ackWaitMs: ACK_WAIT_MS };
  const cluster = await openTestCluster({ servers: server.url, namespace, more });
  opened.push(cluster);
  return cluster;
}

/** The server as its administrator sees it. */
async function administer<T>(
  act: (admin: Awaited<ReturnType<typeof connectNats>>) => Promise<T>,
): Promise<T> {
  const admin = await connectNats({ servers: server.url, name: "admin" });
  try {
    return await act(admin);
  } finally {
    await admin.nc.close();
  }
}

function stream(name: string): string {
  return `${namespace.toUpperCase()}_${name}`;
}

it("writes each fact once and shows it once, in order, through kills of the server", async () => {
  const [writer, reader] = [await open(), await open()];
  const seen = new Collected<LoggedFact>();
  await reader.log.follow({ from: 1 }, seen.add);
  const total = 3_000;
  let settled = 0;
  const writes = Array.from({ length: total }, async (_, n) => {
    await writer.log.append(RUN, outcomes(n));
    settled++;
  });
  for (const share of [0.1, 0.5]) {
    await until(() => settled > total * share);
    await server.kill();
    await server.restart();
  }
  await Promise.all(writes);
  const facts = await seen.reach(total);
  expect(new Set(facts.map(({ fact }) => (fact.kind === "outcomes" ? fact.n : -1))).size).toBe(total);
  const seqs = facts.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect(await writer.log.factsOf(RUN.runId)).toEqual(facts);
  expect(reader.told.troubles.join()).toContain("is lost, trying again");
});

it("asks before it sends a write again, and sends what is meant for that", async () => {
  await administer(async ({ nc }) => {
    const publisher = new Publisher({ nc, streamOf: () => "S", onTrouble: () => undefined });
    const heard: string[] = [];
    nc.subscribe("silent", { callback: (_, message) => void heard.push(message.string()) });
    nc.subscribe("slow", {
      callback: (_, message) => {
        heard.push(message.string());
        if (message.string() === "again") message.respond('{"seq":7}');
      },
    });
    let isWanted = true;
    const [first, again] = ["first", "again"].map((text) => new TextEncoder().encode(text));
    const how = { isWanted: () => isWanted, repeated: () => again as Uint8Array };
    const stored = publisher.publish("slow", first as Uint8Array, how);
    await until(() => heard.length === 1);
    publisher.reconnected();
    expect(await stored).toEqual({ stored: true, seq: 7 });
    const dropped = publisher.publish("silent", first as Uint8Array, how);
    await until(() => heard.length === 3);
    isWanted = false;
    publisher.reconnected();
    expect(await dropped).toEqual({ stored: false, unwanted: true });
    await nc.flush();
    expect(heard).toEqual(["first", "again", "first"]);
    publisher.close();
  });
});

it("a question about attempts reaches who takes over while nobody answers it", async () => {
  const [frozen, other, worker] = [await open(), await open(), await open()];
  let asked = 0;
  await frozen.referee.serve(3, () => new Promise(() => void asked++));
  const attempt = { runId: "run-1", task: "a", index: 0, attempt: 1, runSeq: 1 };
  const answer = worker.referee.ask(3, { incarnation: "w", attempts: [attempt] }, 60_000);
  await until(() => asked === 1);
  await other.referee.serve(3, async () => ["over"]);
  expect(await answer).toEqual(["over"]);
});

it("goes on after a consumer of a follower was deleted, without a gap", async () => {
  const cluster = await open();
  const seen = new Collected<LoggedFact>();
  await cluster.log.follow({ from: 1 }, seen.add);
  for (let round = 0; round < 3; round++) {
    await cluster.log.append(RUN, outcomes(round));
    await seen.reach(round + 1);
    await administer(async ({ jsm }) => {
      for await (const { name } of jsm.consumers.list(stream("RUNS")))
        await jsm.consumers.delete(stream("RUNS"), name);
    });
  }
  await cluster.log.append(RUN, outcomes(99));
  await seen.reach(4);
  expect(seen.items.map(({ fact }) => (fact.kind === "outcomes" ? fact.n : -1))).toEqual([0, 1, 2, 99]);
});

it("delivers every attempt through a kill of the server, and takes each off the queue", async () => {
  const [sender, taker] = [await open(), await open()];
  const done = new Set<string>();
  const intake = await taker.queue.open("default", (delivery) => {
    done.add(delivery.work.task);
    delivery.ack();
    intake.demand(50);
  });
  intake.demand(50);
  const total = 2_000;
  let queued = 0;
  const sending = Array.from({ length: total }, async (_, n) => {
    await sender.queue.enqueue(numbered(n));
    queued++;
  });
  await until(() => queued > total / 4);
  await server.kill();
  await server.restart();
  await Promise.all(sending);
  // What was acknowledged while the connection was down comes again after its ack wait.
  await until(
    async () => done.size === total && (await sender.queue.list()).length === 0,
    async () => ({ done: done.size, left: (await sender.queue.list()).length }),
  );
  expect(await sender.queue.enqueue(work("after"))).toMatchObject({ stored: true });
  await until(() => done.has("after"));
});

it("trusts nothing that a killed server delivers anew, though it says that it is the first time", async () => {
  const [sender, taker] = [await open(), await open()];
  const total = 1_000;
  const seen = new Collected<{ task: string; isSuspect: boolean; losses: number }>();
  let killed: Promise<void> | undefined;
  const intake = await taker.queue.open("default", ({ work: { task }, isSuspect, losses, ack }) => {
    seen.add({ task, isSuspect, losses });
    const isHeld = seen.items.length <= total && seen.items.length % 2 === 0;
    if (!isHeld) ack();
    intake.demand(total);
    if (seen.items.length === total) killed = server.kill();
  });
  intake.demand(total);
  await Promise.all(Array.from({ length: total }, (_, n) => sender.queue.enqueue(numbered(n))));
  await until(() => killed !== undefined);
  await killed;
  expect(seen.items.filter(({ isSuspect }) => isSuspect)).toEqual([]);
  await until(() => !taker.link.isUp());
  await server.restart();
  await until(async () => taker.link.isUp() && (await sender.queue.list()).length === 0);
  const again = seen.items.slice(total);
  expect(again.length).toBeGreaterThanOrEqual(total / 2);
  expect(again.filter(({ isSuspect }) => !isSuspect)).toEqual([]);
  // What is stored from now on can be trusted again.
  const fresh = await until(async () => {
    await sender.queue.enqueue(work(`fresh-${seen.items.length}`));
    return seen.items.find(({ task, isSuspect }) => task.startsWith("fresh") && !isSuspect);
  });
  expect(fresh.losses).toBe(0);
});

it("asks for no more than it wants after reconnects", async () => {
  const [sender, taker] = [await open(), await open()];
  const deliveries = new Deliveries();
  const intake = await taker.queue.open("default", deliveries.add);
  intake.demand(5);
  let reconnects = 0;
  const silent = { heartbeat: () => undefined, took: () => undefined };
  await taker.presence.watch({ ...silent, reconnected: () => void reconnects++ });
  for (let i = 0; i < 2; i++) {
    await server.kill();
    await server.restart();
    await until(() => reconnects > i);
  }
  await Promise.all(Array.from({ length: 40 }, (_, n) => sender.queue.enqueue(numbered(n))));
  await deliveries.reach(5);
  // The rest goes to another, so it went nowhere else.
  const rest = new Deliveries();
  const other = await sender.queue.open("default", (delivery) => {
    delivery.ack();
    rest.add(delivery);
    other.demand(50);
  });
  other.demand(50);
  await rest.reach(35);
  expect(new Set(deliveries.tasks).size).toBe(5);
});

it("creates a queue's consumer again when it is gone", async () => {
  const cluster = await open();
  const deliveries = new Deliveries();
  const intake = await cluster.queue.open("default", deliveries.add);
  intake.demand(10);
  await cluster.queue.enqueue(work("before"));
  await deliveries.reach(1);
  await administer(({ jsm }) => jsm.consumers.delete(stream("TASKS"), "queue_default"));
  await cluster.queue.enqueue(work("after"));
  await until(
    () => deliveries.count("after") > 0,
    () => deliveries.tasks,
  );
  expect(deliveries.count("after")).toBe(1);
});

it("hears and is heard again after a reconnect, and says that it was away", async () => {
  const [worker, executor] = [await open(), await open()];
  const [beats, commands] = [new Collected<Heartbeat>(), new Collected<WorkerCommand>()];
  let reconnects = 0;
  await executor.presence.watch({
    heartbeat: beats.add,
    took: () => undefined,
    reconnected: () => void reconnects++,
  });
  await worker.presence.onCommand("w", commands.add);
  await server.kill();
  await server.restart();
  await until(() => reconnects === 1);
  await until(() => {
    worker.presence.heartbeat(HEARTBEAT);
    executor.presence.command({ kind: "report" });
    return beats.items.length > 0 && commands.items.length > 0;
  });
  expect(beats.items[0]).toEqual(HEARTBEAT);
});

it("answers what was asked while the server was down", async () => {
  const cluster = await open();
  await cluster.log.append(RUN, SUBMITTED);
  await cluster.queue.enqueue(work("a"));
  const ref = await cluster.blobs.put("definitions", "d", new Uint8Array(1_500_000));
  await server.kill();
  const answers = Promise.all([
    cluster.log.end(),
    cluster.log.factsOf(RUN.runId),
    cluster.log.read([1]),
    cluster.queue.list(),
    cluster.queue.depth("default"),
    cluster.queue.enqueue(work("b")),
    cluster.queue.remove(work("a")),
    cluster.blobs.get("definitions", ref),
    cluster.blobs.put("definitions", "e", new Uint8Array(2_000_000)),
    cluster.deadLetters.put({ kind: "unreadable", subject: "s", reason: "r", bytes: new Uint8Array(1) }),
  ]);
  await server.restart();
  const [last, facts, read] = await answers;
  expect([last.seq, facts.length, read.length]).toEqual([1, 1, 1]);
  expect((await cluster.queue.list()).map(({ task }) => task)).toEqual(["b"]);
  expect(await cluster.deadLetters.list(5)).toHaveLength(1);
});

it("refuses what is larger than the server takes", async () => {
  const cluster = await open();
  const params = { inline: { text: "x".repeat(1_100_000) } };
  await expect(cluster.log.append(RUN, { ...SUBMITTED, params })).rejects.toThrow(
    /cannot publish to .*max_payload/,
  );
  await administer(({ jsm }) => jsm.streams.update(stream("RUNS"), { max_msg_size: 500 }));
  const smaller = { inline: { text: "x".repeat(1_000) } };
  await expect(cluster.log.append(RUN, { ...SUBMITTED, params: smaller })).rejects.toThrow(
    /the server refuses .*maximum/,
  );
  expect(await cluster.log.append(RUN, outcomes(1))).toMatchObject({ stored: true });
});

it("closes in time without a server, and rejects what was not stored", async () => {
  const cluster = await open();
  await cluster.log.append(RUN, outcomes(1));
  const intake = await cluster.queue.open("default", () => undefined);
  intake.demand(5);
  await server.kill();
  const waiting = [
    cluster.log.append(RUN, outcomes(2)),
    cluster.queue.enqueue(work("a")),
    cluster.log.factsOf(RUN.runId),
  ];
  const settled = Promise.allSettled(waiting);
  await cluster.close();
  expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await expect(cluster.log.append(RUN, outcomes(3))).rejects.toThrow("closed");
  await cluster.close();
});
