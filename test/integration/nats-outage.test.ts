import { expect, test } from "vitest";
import { openCluster } from "../../internal/nats/cluster.ts";
import type { Fact, LoggedFact } from "../../internal/core/facts.ts";
import { completed } from "../support/facts.ts";
import { TestServer } from "../support/nats-server.ts";
import { until } from "../support/until.ts";

test("a server killed in the middle: every fact is stored once, and a follower sees each once, in order", async () => {
  await using server = await TestServer.start();
  const { log, close } = await openCluster({
    servers: server.url,
    name: "test",
    namespace: "outage",
    ackWaitMs: 60_000,
    leaseTermMs: 5_000,
    onTrouble: () => undefined,
    onDeadLetter: () => undefined,
  });
  const fact = (n: number): Fact => ({
    kind: "outcomes",
    runSeq: 1,
    items: [completed("a")],
    queue: "q",
    incarnation: "w",
    n,
  });
  const seen: LoggedFact[] = [];
  const follower = await log.follow({ from: 1 }, (each) => seen.push(each));
  const run = { runId: "r", partition: 0 };
  for (let n = 1; n <= 200; n++) await log.append(run, fact(n));
  await server.kill();
  const during = Array.from({ length: 200 }, (_, i) => log.append(run, fact(201 + i)));
  await server.restart();
  await Promise.all(during);
  const numbers = (): number[] => seen.map((each) => (each.fact.kind === "outcomes" ? each.fact.n : 0));
  await until(
    () => new Set(numbers()).size >= 400,
    () => numbers().length,
  );
  const seqs = seen.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect(new Set(seqs).size).toBe(seqs.length);
  expect(numbers().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
  await follower.stop();
  await close();
});
