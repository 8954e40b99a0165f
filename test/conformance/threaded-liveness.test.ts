/** The thread that shows a worker's life, on a real server. */
import { expect, test } from "vitest";
import { ThreadedLiveness } from "../../cmd/liveness/threaded-liveness.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import type { Heartbeat } from "../../internal/ports/presence.ts";
import { claimOf } from "../../internal/worker/notices.ts";
import { Collected } from "../support/collected.ts";
import { newNamespace, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";
import { Deliveries, work } from "./samples.ts";

const IDENTITY = { workerId: "w", incarnation: "w-1", host: "h", pid: 1, queues: ["default"], slots: 2 };
const STATUS = { functions: [], draining: false };
const ACK_WAIT_MS = 1_000;

test("it shows and extends what is held while the loop is blocked, and says goodbye", async () => {
  await using server = await TestServer.start();
  const namespace = newNamespace();
  const more = { ackWaitMs: ACK_WAIT_MS };
  const cluster = await openTestCluster({ servers: server.url, namespace, more });
  const beats = new Collected<Heartbeat>();
  await cluster.presence.watch({ heartbeat: beats.add, took: () => undefined, reconnected: () => undefined });
  const seen: Observation[] = [];
  const liveness = new ThreadedLiveness({
    servers: server.url,
    namespace,
    heartbeatMs: 200,
    ackWaitMs: ACK_WAIT_MS,
    tellingMs: 0,
    observer: { observe: (observation) => void seen.push(observation) },
  });
  const lifeline = await liveness.begin(IDENTITY, STATUS);
  const deliveries = new Deliveries();
  const intake = await cluster.queue.open("default", deliveries.add);
  intake.demand(1);
  await cluster.queue.enqueue(work("a"));
  await deliveries.reach(1);
  const { receipt } = deliveries.of("a");
  const { runId, task, index, attempt, queue, partition } = work("a");
  const claim = { runId, task, index, attempt, queue, partition };
  lifeline.hold([{ claim, receipt }], 1);
  const sent = beats.items.length;
  block(3 * ACK_WAIT_MS);
  await until(() => seen.some(({ kind }) => kind === "loop-blocked"));
  const meanwhile = beats.items.slice(sent);
  expect(meanwhile.length).toBeGreaterThan(5);
  expect(meanwhile.at(-1)?.held).toMatchObject([{ task: "a", partition }]);
  expect(Math.max(...meanwhile.map(({ blockedMs }) => blockedMs))).toBeGreaterThan(ACK_WAIT_MS);
  intake.demand(5);
  await cluster.queue.enqueue(work("b"));
  await until(() => deliveries.count("b") > 0);
  expect(deliveries.count("a")).toBe(1);
  await lifeline.stop();
  await until(() => beats.items.at(-1)?.goodbye === true);
  await until(async () => (await cluster.presence.probe("w-1", 5_000)).kind === "gone");
  await liveness.close();
  await cluster.close();
});

test("a thread that dies is said to, and another takes its place and knows what is held", async () => {
  await using server = await TestServer.start();
  const namespace = newNamespace();
  const cluster = await openTestCluster({ servers: server.url, namespace });
  const beats = new Collected<Heartbeat>();
  await cluster.presence.watch({ heartbeat: beats.add, took: () => undefined, reconnected: () => undefined });
  const seen: Observation[] = [];
  let starts = 0;
  const liveness = new ThreadedLiveness({
    // No address at all ends the first thread.
    get servers() {
      return starts++ === 0 ? (undefined as unknown as string) : server.url;
    },
    namespace,
    heartbeatMs: 200,
    ackWaitMs: ACK_WAIT_MS,
    tellingMs: 0,
    observer: { observe: (observation) => void seen.push(observation) },
  });
  const beginning = liveness.begin(IDENTITY, STATUS);
  await until(() => seen.some((each) => each.kind === "trouble" && each.what.includes("is gone")));
  const lifeline = await beginning;
  lifeline.hold([{ claim: claimOf(work("a")), receipt: "none" }], 1);
  await until(() => beats.items.at(-1)?.held.length === 1);
  expect(beats.items.at(-1)).toMatchObject({ ...IDENTITY, held: [{ task: "a" }] });
  await liveness.close();
  await cluster.close();
});

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
