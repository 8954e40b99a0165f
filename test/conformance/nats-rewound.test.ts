/** What if the log is put back to an older state? Its readers notice, and see all that it holds then. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { LoggedFact } from "../../internal/core/facts.ts";
import { connectNats } from "../../internal/nats/connection.ts";
import { Collected } from "../support/collected.ts";
import { newNamespace, type OpenedCluster, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { outcomes, RUN } from "./samples.ts";

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

/** An older state is restored: here, an empty one. */
async function empty(): Promise<void> {
  const { nc, jsm } = await connectNats({ servers: server.url, name: "admin" });
  const runs = `${namespace.toUpperCase()}_RUNS`;
  try {
    const { config } = await jsm.streams.info(runs);
    await jsm.streams.delete(runs);
    await jsm.streams.add(config);
  } finally {
    await nc.close();
  }
}

it("says when the log has lost its end, and still shows what is new", async () => {
  const cluster = await open();
  const seen = new Collected<LoggedFact>();
  await cluster.log.follow({ from: 1 }, seen.add);
  for (let n = 0; n < 5; n++) await cluster.log.append(RUN, outcomes(n));
  await seen.reach(5);
  await empty();
  await cluster.log.append(RUN, outcomes(77));
  const last = (await seen.reach(6)).at(-1);
  expect(last).toMatchObject({ seq: 1, fact: { n: 77 } });
  expect(await cluster.log.read([1])).toMatchObject([{ fact: { n: 77 } }]);
  expect(cluster.told.troubles.join()).toContain("it has lost its end");
});

it("tells a log that has lost its end also when it is longer again by then", async () => {
  const [cluster, other] = [await open(), await open()];
  const seen = new Collected<LoggedFact>();
  let rewound = 0;
  await cluster.log.follow({ from: 1, onRewound: () => void rewound++ }, seen.add);
  for (let n = 0; n < 5; n++) await cluster.log.append(RUN, outcomes(n));
  await seen.reach(5);
  await empty();
  await Promise.all(Array.from({ length: 8 }, (_, n) => other.log.append(RUN, outcomes(70 + n))));
  const again = (await seen.reach(13)).slice(5);
  expect(again.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(rewound).toBe(1);
});

it("shows what a log that was put back holds where it had nothing for the reader before", async () => {
  const others = { runId: "run-2", partition: RUN.partition + 1 };
  const fill = async (...facts: [typeof RUN, number][]): Promise<void> => {
    const writer = await open();
    for (const [run, n] of facts) await writer.log.append(run, outcomes(n));
    await writer.close();
  };
  await fill([RUN, 1]);
  await server.backUp("first");
  await server.restart();
  await fill([RUN, 2], [others, 3], [others, 4]);
  await server.backUp("other");
  await server.putBack("first");
  await server.restart();
  const [reader, writer] = [await open(), await open()];
  const seen = new Collected<LoggedFact>();
  const follower = await reader.log.follow({ from: 1, partitions: [RUN.partition] }, seen.add);
  await writer.log.append(others, outcomes(5));
  await writer.log.append(others, outcomes(6));
  await follower.reached(3);
  expect(await reader.log.read([2])).toMatchObject([{ fact: { n: 5 } }]);
  await server.putBack("other");
  await server.restart();
  expect(await seen.reach(2)).toMatchObject([
    { seq: 1, fact: { n: 1 } },
    { seq: 2, fact: { n: 2 } },
  ]);
  expect(await reader.log.read([2])).toMatchObject([{ fact: { n: 2 } }]);
});
