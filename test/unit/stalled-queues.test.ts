import { expect, test } from "vitest";
import { StalledQueues } from "../../internal/executor/stalled-queues.ts";
import type { QueueDepth } from "../../internal/ports/task-queue.ts";

const STILL: QueueDepth = { waiting: 3, inFlight: 1, limit: 100, deliveredSeq: 7, isWanted: true };

/** What was renewed, when each look finds the next of these. */
async function renewedAfter(looks: readonly QueueDepth[], mayAct = true): Promise<string[]> {
  const renewed: string[] = [];
  const left = [...looks];
  const stalled = new StalledQueues({
    queue: {
      depth: async () => left.shift() ?? STILL,
      renew: async (queue) => void renewed.push(queue),
    },
    observer: { observe: () => undefined },
    mayAct: () => mayAct,
  });
  for (const _ of looks) await stalled.check(["default"]);
  return renewed;
}

test("a queue that two looks find unmoved, while attempts and workers wait, is begun anew", async () => {
  expect(await renewedAfter([STILL])).toEqual([]);
  expect(await renewedAfter([STILL, STILL])).toEqual(["default"]);
  // It has time to move before it is renewed once more.
  expect(await renewedAfter([STILL, STILL, STILL])).toEqual(["default"]);
});

test.each([
  ["has delivered", { deliveredSeq: 8 }],
  ["was settled", { inFlight: 0 }],
  ["has got more", { waiting: 4 }],
  ["is empty", { waiting: 0 }],
  ["has no worker that wants any", { isWanted: false }],
])("a queue that %s meanwhile is left alone", async (_, change) => {
  expect(await renewedAfter([STILL, { ...STILL, ...change }])).toEqual([]);
});

test("a queue that another executor looks after is left alone", async () => {
  expect(await renewedAfter([STILL, STILL, STILL], false)).toEqual([]);
});
