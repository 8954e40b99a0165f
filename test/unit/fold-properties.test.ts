/** DAGs with artifacts, and facts of all kinds, by chance: does the fold of a run always do what the plain model says? */
import { expect, test } from "vitest";
import { RandomRun } from "../support/random-run.ts";
import { SeededRandom } from "../support/random.ts";

const SEEDS = Array.from({ length: 20 }, (_, i) => i * 1_000);
const PER_SEED = 50;

const seen = new Set<string>();

test.each(SEEDS)("a run does what the model says, and ends (seed %i)", (seed) => {
  for (let i = 0; i < PER_SEED; i++) {
    const random = new RandomRun(new SeededRandom(seed + i));
    try {
      random.play();
    } catch (error) {
      throw new Error(`seed ${seed + i}, after ${random.run.facts.length} facts`, { cause: error });
    }
    for (const each of random.seen) seen.add(each);
  }
});

test("among them is all that can happen", () => {
  expect([...seen]).toEqual(
    expect.arrayContaining([
      ...["pending", "retrying", "completed", "failed", "crashed", "cancelled"],
      ...["skipped", "filtered", "upstream_failed", "limit", "generation 3"],
      ...["run completed", "run failed", "run crashed", "run cancelled"],
    ]),
  );
});
