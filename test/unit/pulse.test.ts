/** What shows of a worker: when, and what. */
import { expect, test } from "vitest";
import type { HeldCopy } from "../../internal/ports/liveness.ts";
import type { Heartbeat } from "../../internal/ports/presence.ts";
import { Pulse } from "../../internal/worker/pulse.ts";
import { MemoryPresence } from "../../internal/memory/cluster.ts";
import { ManualClock } from "../support/manual-clock.ts";

const IDENTITY = { workerId: "w", incarnation: "w-1", host: "h", pid: 1, queues: ["default"], slots: 2 };
const STATUS = { functions: ["echo"], draining: false };

function copy(task: string): HeldCopy {
  const claim = { runId: "r", task, index: 0, attempt: 1, queue: "default", partition: 3 };
  return { claim, receipt: `receipt-${task}` };
}

async function begin(): Promise<{
  clock: ManualClock;
  presence: MemoryPresence;
  pulse: Pulse;
  beats: Heartbeat[];
  extended: string[][];
  loop: { blockedMs: number };
}> {
  const clock = new ManualClock();
  const presence = new MemoryPresence();
  const beats: Heartbeat[] = [];
  const extended: string[][] = [];
  const loop = { blockedMs: 0 };
  await presence.watch({
    heartbeat: (beat) => void beats.push(beat),
    took: () => undefined,
    reconnected: () => undefined,
  });
  const queue = { extend: (receipts: readonly string[]) => void extended.push([...receipts]) };
  const more = { heartbeatMs: 10_000, ackWaitMs: 60_000, blockedMs: () => loop.blockedMs };
  const pulse = new Pulse({ presence, queue, clock, ...more }, IDENTITY, STATUS);
  await pulse.begin();
  await clock.advance(0);
  return { clock, presence, pulse, beats, extended, loop };
}

test("it beats at once, then regularly and when it is asked to, with all that is held", async () => {
  const { clock, presence, pulse, beats } = await begin();
  expect(beats).toMatchObject([{ ...IDENTITY, ...STATUS, held: [], told: 0, goodbye: false }]);
  pulse.hold([copy("a"), copy("b")], 1);
  pulse.letGo(copy("a").claim);
  await clock.advance(10_000);
  expect(beats).toHaveLength(2);
  expect(beats[1]).toMatchObject({ told: 1, held: [{ task: "b", partition: 3, heldMs: 10_000 }] });
  expect(beats[1]?.held[0]).not.toHaveProperty("receipt");
  presence.command({ kind: "report" });
  await clock.advance(0);
  pulse.update({ functions: [], draining: true });
  pulse.beat();
  pulse.beat();
  await clock.advance(0);
  expect(beats.slice(2)).toMatchObject([{ draining: false }, { draining: true }]);
});

test("it extends what is held three times within each ack wait", async () => {
  const { clock, pulse, extended } = await begin();
  pulse.hold([copy("a"), copy("b")], 1);
  await clock.advance(20_000);
  pulse.letGo(copy("b").claim);
  await clock.advance(40_000);
  expect(extended).toEqual([["receipt-a", "receipt-b"], ["receipt-a"], ["receipt-a"]]);
});

test("a loop that does not turn is told at once, and so is the end of it", async () => {
  const { clock, beats, loop } = await begin();
  loop.blockedMs = 900;
  await clock.advance(1_000);
  expect(beats).toHaveLength(1);
  loop.blockedMs = 1_400;
  await clock.advance(3_000);
  loop.blockedMs = 0;
  await clock.advance(3_000);
  expect(beats.slice(1)).toMatchObject([{ blockedMs: 1_400 }, { blockedMs: 0 }]);
});

test("it answers probes until it has said goodbye", async () => {
  const { clock, presence, pulse, beats, extended } = await begin();
  pulse.hold([copy("a")], 1);
  expect(await presence.probe("w-1")).toMatchObject({ kind: "there" });
  await pulse.stop();
  await clock.advance(60_000);
  expect(await presence.probe("w-1")).toEqual({ kind: "gone" });
  expect(beats.slice(1)).toMatchObject([{ goodbye: true }]);
  expect(extended).toEqual([]);
});
