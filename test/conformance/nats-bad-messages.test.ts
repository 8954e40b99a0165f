/** What if others write on our subjects, or our own code throws? Put aside with bytes and reason; the rest goes on. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { LoggedFact } from "../../internal/core/facts.ts";
import { type Connection, connectNats } from "../../internal/nats/connection.ts";
import type { UnreadableLetter } from "../../internal/ports/dead-letters.ts";
import type { Heartbeat, WorkerCommand } from "../../internal/ports/presence.ts";
import { Collected } from "../support/collected.ts";
import { newNamespace, type OpenedCluster, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";
import { encodeWork } from "../../internal/contract/work.ts";
import { Deliveries, HEARTBEAT, outcomes, RUN, work } from "./samples.ts";

const WRONG_UTF8 = Uint8Array.of(0xff, 0x00, 0x22);

let server: TestServer;
let stranger: Connection;
let namespace: string;
let cluster: OpenedCluster;

beforeAll(async () => {
  server = await TestServer.start();
  stranger = await connectNats({ servers: server.url, name: "stranger" });
});
afterAll(async () => {
  await stranger.nc.close();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  namespace = newNamespace();
  const more = { ackWaitMs: 1_000 };
  cluster = await openTestCluster({ servers: server.url, namespace, more });
});
afterEach(async () => {
  await cluster.close();
});

/** Stored, as far as the server is concerned. */
async function write(subject: string, data: string | Uint8Array): Promise<void> {
  await stranger.nc.request(`${namespace}.${subject}`, data, { timeout: 5_000 });
}

async function letters(count: number): Promise<UnreadableLetter[]> {
  const heads = await until(
    async () => {
      const all = await cluster.deadLetters.list(100);
      return all.length >= count && all;
    },
    () => cluster.told,
  );
  const all = await Promise.all(heads.map(({ id }) => cluster.deadLetters.get(id)));
  return all.flatMap((stored) => (stored?.letter.kind === "unreadable" ? stored.letter : []));
}

it("a follower passes over facts that cannot be read", async () => {
  await cluster.log.append(RUN, outcomes(1));
  const bad: [subject: string, data: string | Uint8Array, reason: RegExp][] = [
    ["run.1.r1.submitted", "{", /^not JSON/],
    ["run.1.r2.submitted", WRONG_UTF8, /^not JSON/],
    ["run.1.r3.submitted", "", /^not JSON/],
    ["run.1.r4.submitted", '{"v":9}', /^v: /],
    ["run.1.r5.outcomes.q.w.1", '{"v":1,"run_seq":1,"items":[{}]}', /^an outcome does not say of what/],
    ["run.64.r6.submitted", "{}", /^no fact has such a subject/],
    ["run.1.r7.submitted.extra", "{}", /^no fact has such a subject/],
    ["run.nothing", "{}", /^no fact has such a subject/],
  ];
  for (const [subject, data] of bad) await write(subject, data);
  const seen = new Collected<LoggedFact>();
  const follower = await cluster.log.follow({ from: 1 }, seen.add);
  // The newest is one of the bad ones: it is behind us as soon as it was put aside.
  await follower.reached((await cluster.log.end()).seq);
  await cluster.log.append(RUN, outcomes(2));
  await seen.reach(2);
  expect(seen.items.map(({ fact }) => fact)).toEqual([outcomes(1), outcomes(2)]);
  const found = await letters(bad.length);
  expect(found).toHaveLength(bad.length);
  for (const [subject, data, reason] of bad) {
    const letter = found.find((each) => each.subject === `${namespace}.${subject}`);
    expect(letter?.reason).toMatch(reason);
    expect(letter?.bytes).toEqual(typeof data === "string" ? new TextEncoder().encode(data) : data);
  }
  expect(cluster.told.letters.map(({ subject }) => subject)).toEqual(
    bad.map(([subject]) => `${namespace}.${subject}`),
  );
  // Met again by another reader, they are the same letters.
  expect(await cluster.log.read([2, 3, 4])).toEqual([]);
  expect(await cluster.log.factsOf("r1")).toEqual([]);
  expect(await letters(bad.length)).toHaveLength(bad.length);
});

it("an attempt that cannot be read is put aside, leaves the queue, and holds up no other", async () => {
  const deliveries = new Deliveries();
  const intake = await cluster.queue.open("default", deliveries.add);
  await write("task.default.r.garbage.0.1", "not at all");
  await write("task.default.r.shape.0.1", '{"v":1}');
  await write("task.default.r.other.0.1", encodeWork(work("extract")));
  await write("task.default.nothing", encodeWork(work("extract")));
  await write("task.default.run-1.moved.0.1", encodeWork(work("moved", { queue: "gpu" })));
  await cluster.queue.enqueue(work("good"));
  intake.demand(3);
  await deliveries.reach(1);
  expect(deliveries.tasks).toEqual(["good"]);
  const found = await letters(5);
  expect(found.map(({ reason }) => reason.slice(0, 8)).toSorted()).toEqual(
    ["names an", "names an", "names an", "not JSON", "run_id: "].toSorted(),
  );
  expect(found.find(({ subject }) => subject.includes("garbage"))?.bytes).toEqual(
    new TextEncoder().encode("not at all"),
  );
  deliveries.of("good").ack();
  await until(
    async () => {
      const { waiting, inFlight } = await cluster.queue.depth("default");
      return waiting + inFlight === 0;
    },
    () => cluster.queue.list(),
  );
  // The places of the bad ones were given back: as many as were asked for still come.
  for (const task of ["a", "b"]) await cluster.queue.enqueue(work(task));
  await deliveries.reach(3);
});

it("notices that cannot be read are put aside", async () => {
  const [beats, commands] = [new Collected<Heartbeat>(), new Collected<WorkerCommand>()];
  await cluster.presence.watch({
    heartbeat: beats.add,
    took: () => undefined,
    reconnected: () => undefined,
  });
  await cluster.presence.onCommand("w", commands.add);
  for (const subject of ["worker.beat.w", "worker.took.w", "command.all", "command.worker.w"]) {
    stranger.nc.publish(`${namespace}.${subject}`, "{}");
  }
  await letters(4);
  cluster.presence.heartbeat(HEARTBEAT);
  cluster.presence.command({ kind: "report" });
  await beats.reach(1);
  await commands.reach(1);
  expect([beats.items, commands.items]).toEqual([[HEARTBEAT], [{ kind: "report" }]]);
});

it("an answer that cannot be read is none", async () => {
  stranger.nc.subscribe(`${namespace}.desk`, { callback: (_error, message) => void message.respond("{}") });
  await stranger.nc.flush();
  expect(await cluster.desk.ask(5_000)).toBeUndefined();
  expect(cluster.told.troubles.join()).toContain("cannot be read");
});

it("an answer too large for a message is cut where that does least harm", async () => {
  const held = Array.from({ length: 20_000 }, (_, i) => ({
    runId: "run-1",
    task: `t${i}`,
    index: 0,
    attempt: 1,
    workerId: "worker-1",
    sinceMs: 1,
  }));
  const view = { executor: "e", executors: 1, shares: [], workers: [], held, queues: [], activeRuns: 7 };
  await cluster.desk.serve(() => view);
  const seen = await cluster.desk.ask(5_000);
  expect(seen).toMatchObject({ executors: ["e"], activeRuns: 7 });
  expect(seen?.held.length).toBeGreaterThan(1_000);
});

it("what our own code throws does not make the connection deaf", async () => {
  const seen: number[] = [];
  const follower = await cluster.log.follow({ from: 1 }, ({ seq }) => {
    seen.push(seq);
    throw new Error(`no ${seq}`);
  });
  const deliveries = new Deliveries();
  const intake = await cluster.queue.open("default", (delivery) => {
    deliveries.add(delivery);
    throw new Error("not this one");
  });
  intake.demand(10);
  const commands = new Collected<WorkerCommand>();
  await cluster.presence.onCommand("w", (command) => {
    commands.add(command);
    throw new Error("not now");
  });
  await cluster.desk.serve(() => {
    throw new Error("nothing to say");
  });
  expect(await cluster.desk.ask(300)).toBeUndefined();
  for (let n = 0; n < 3; n++) {
    await cluster.log.append(RUN, outcomes(n));
    await cluster.queue.enqueue(work(`t${n}`));
    cluster.presence.command({ kind: "report" });
  }
  await until(
    () => seen.length === 3 && deliveries.items.length >= 3 && commands.items.length === 3,
    () => ({ seen, deliveries: deliveries.tasks, troubles: cluster.told.troubles }),
  );
  await follower.reached(3);
  expect(cluster.told.troubles.join()).toContain("no 1");
  expect(cluster.told.troubles.join()).toContain("not this one");
  expect(cluster.told.troubles.join()).not.toContain("connection");
});

it("a letter too large with its reason is cut, and says how long the message was", async () => {
  const bytes = new Uint8Array(1_048_576).fill(7);
  const subject = `${namespace}.task.default.r.a.0.1`;
  await cluster.deadLetters.put({ kind: "unreadable", subject, reason: "two\nlines, größer", bytes });
  const [head] = await cluster.deadLetters.list(1);
  expect(head).toMatchObject({ reason: "two lines, größer", size: 1_048_576, runId: "r" });
  const stored = await cluster.deadLetters.get(head?.id ?? "");
  const { length } = stored?.letter.kind === "unreadable" ? stored.letter.bytes : "";
  expect(length).toBeGreaterThan(1_000_000);
  expect(length).toBeLessThan(1_048_576);
  expect(stored === undefined ? "" : await cluster.originals.sendAgain(stored)).toBe("cut");
});

it("what is sent again reaches whoever reads there, and comes back as the same letter", async () => {
  await cluster.queue.enqueue(work("good"));
  await write("task.default.r.bad.0.1", "not at all");
  const deliveries = new Deliveries();
  const intake = await cluster.queue.open("default", deliveries.add);
  intake.demand(10);
  await letters(1);
  const [head] = await cluster.deadLetters.list(1);
  const stored = await cluster.deadLetters.get(head?.id ?? "");
  if (stored === undefined) throw new Error("the letter is gone");
  await until(async () => (await cluster.queue.list()).length === 1);
  expect(await cluster.originals.sendAgain(stored)).toBe("sent");
  const again = await until(async () => {
    const now = await cluster.deadLetters.get(stored.head.id);
    return now !== undefined && now.head.seq > stored.head.seq && now;
  });
  expect(await cluster.deadLetters.remove(stored.head)).toBe(false);
  expect(again.letter).toEqual(stored.letter);
  expect(await cluster.deadLetters.remove(again.head)).toBe(true);
  expect(await cluster.deadLetters.list(10)).toEqual([]);
});

it("what a log still holds is not sent again, and can be thrown away", async () => {
  await write("run.1.r1.submitted", "{");
  await write("worker.beat.x", "{").catch(() => undefined);
  await cluster.log.factsOf("r1");
  await letters(1);
  const stored = await cluster.deadLetters.get((await cluster.deadLetters.list(1))[0]?.id ?? "");
  if (stored?.letter.kind !== "unreadable" || stored.head.kind !== "unreadable") throw new Error("no letter");
  expect(await cluster.originals.sendAgain(stored)).toBe("held");
  await cluster.originals.remove(stored.head);
  expect((await cluster.log.end()).seq).toBe(0);
  // Gone from there, it can be written once more.
  expect(await cluster.originals.sendAgain(stored)).toBe("sent");
  const notice = { ...stored.letter, subject: `${namespace}.worker.beat.x` };
  const head = { ...stored.head, subject: notice.subject };
  expect(await cluster.originals.sendAgain({ head, letter: notice })).toBe("out-of-date");
});
