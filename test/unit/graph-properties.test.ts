/** Pipelines by chance: does a run always do what the plain model says, and what holds for every run? */
import { describe, expect, test } from "vitest";
import { Engine, type EventStore } from "../../cmd/library/engine.ts";
import type { Fact } from "../../internal/core/facts.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { play, RUN } from "../support/graph-pair.ts";
import { SeededRandom } from "../support/random.ts";

const SEEDS = Array.from({ length: 40 }, (_, i) => i * 1_000);
const PER_SEED = 10;

test.each(SEEDS)("a run does what the model says, and ends (seed %i)", async (seed) => {
  for (let i = 0; i < PER_SEED; i++) {
    const { model } = await play(new SeededRandom(seed + i));
    expect(model.queued()).toEqual([]);
  }
});

describe.each(SEEDS.slice(0, 5))("the events of a run (seed %i)", (seed) => {
  test("give the same state to whoever reads them, at every prefix", async () => {
    const events = await eventsOf(seed);
    const states: unknown[] = [];
    for (let length = 1; length <= events.length; length++) {
      const once = await statusOf(events.slice(0, length));
      expect(await statusOf(events.slice(0, length))).toEqual(once);
      states.push(once);
    }
    // Read one after the other they come to the same as all at once.
    const shown: JsonObject[] = [];
    const engine = new Engine({ dispatch: () => undefined, store: storeOf(shown) });
    for (const [i, event] of events.entries()) {
      shown.push(event);
      expect(await engine.status(RUN)).toEqual(states[i]);
    }
  });

  test("come to the same with others among them that do not fit", async () => {
    const random = new SeededRandom(seed);
    const [first, ...events] = await eventsOf(seed);
    const disturbed = events.flatMap((event) => [
      event,
      ...NOISE.filter(() => random.chance(0.5)).map((fact): JsonObject => {
        return { time: 0, by: "noise", fact: fact as unknown as JsonObject };
      }),
    ]);
    const whole = [first as JsonObject, ...events];
    expect(await statusOf([first as JsonObject, ...disturbed])).toEqual(await statusOf(whole));
  });
});

const WRITER = { queue: "", incarnation: "noise", n: 0 } as const;

/** Of other runs, of tasks and attempts that there never were, of generations that never began. */
const NOISE: readonly Fact[] = [
  {
    kind: "outcomes",
    runSeq: 1,
    items: [
      { task: "none", index: 0, attempt: 1, state: "completed", durationMs: 0 },
      { task: "n0", index: 7_777, attempt: 1, state: "completed", durationMs: 0 },
      { task: "n0", index: -1, attempt: 1, state: "skipped", message: "", durationMs: 0 },
      { task: "n0", index: 0, attempt: 0, state: "completed", durationMs: 0 },
      {
        ...{ task: "n0", index: 0, attempt: 777, state: "completed", durationMs: 0 },
        artifacts: { set: "none", pieces: 3 },
      },
      {
        ...{ task: "n0", index: 0, attempt: 778, state: "failed", durationMs: 0 },
        error: { reason: "lost", message: "" },
      },
    ],
    pieces: [{ task: "n0", index: 0, attempt: 777, set: "none", piece: -1, artifacts: [] }],
    ...WRITER,
  },
  {
    kind: "outcomes",
    runSeq: 99,
    items: [{ task: "n0", index: 0, attempt: 1, state: "completed", durationMs: 0 }],
    ...WRITER,
  },
  { kind: "cancel", gen: 99, cause: "abort", state: "crashed", message: "" },
  { kind: "retry", gen: 99, tasks: ["none"] },
  { kind: "finished", gen: 99, state: "completed", durationMs: 0 },
];

async function eventsOf(seed: number): Promise<JsonObject[]> {
  const { rig } = await play(new SeededRandom(seed));
  return rig.store.read(RUN, 1);
}

async function statusOf(events: readonly JsonObject[]): Promise<unknown> {
  return new Engine({ dispatch: () => undefined, store: storeOf(events) }).status(RUN);
}

function storeOf(events: readonly JsonObject[]): EventStore {
  return { append: async () => false, read: async (_runId, from) => events.slice(from - 1) };
}
