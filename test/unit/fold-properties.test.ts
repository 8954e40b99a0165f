/** DAGs with artifacts, and facts of all kinds, by chance: does the fold of a run always do what the plain model says? */
import { expect, test } from "vitest";
import { RandomRun } from "../support/random-run.ts";
import { SeededRandom } from "../support/random.ts";

const SEEDS = Array.from({ length: 20 }, (_, i) => i * 1_000);
const PER_SEED = 50;

const seen = new Set<string>();

test.each(SEEDS)("a run does what the model says, and ends (seed %i)", (from) => {
  for (let seed = from; seed < from + PER_SEED; seed++) {
    const random = new RandomRun(new SeededRandom(seed));
    expect([seed, troubleOf(random)]).toEqual([seed, undefined]);
    for (const each of random.seen) seen.add(each);
  }
});

function troubleOf(random: RandomRun): unknown {
  try {
    return random.play();
  } catch (error) {
    return `after ${random.run.facts.length} facts: ${String(error)}`;
  }
}

test("among them is all that can happen", () => {
  expect([...seen]).toEqual(
    expect.arrayContaining([
      ...["pending", "retrying", "completed", "failed", "crashed", "cancelled"],
      ...["skipped", "filtered", "upstream_failed", "limit", "generation 3"],
      ...["run completed", "run failed", "run crashed", "run cancelled"],
    ]),
  );
});
