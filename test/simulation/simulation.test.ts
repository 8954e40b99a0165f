/** Seeds of the simulation, each a cluster with its faults; a failing one is shown by `npm run sim -- --seeds 1 --from <seed> --trace`. */
import { expect, test } from "vitest";
import { runSeed } from "./run-seed.ts";

const SEEDS = 500;
const PARTS = 10;
const TWICE = 5;

const parts = Array.from({ length: PARTS }, (_, part) => 1 + part * (SEEDS / PARTS));

test.each(parts)("nothing is stuck and nothing is lost, from seed %d on", async (from) => {
  const failed: string[] = [];
  for (let seed = from; seed < from + SEEDS / PARTS; seed++) {
    const { violation } = await runSeed(seed);
    if (violation !== undefined) failed.push(`seed ${seed}: ${violation.message}`);
  }
  expect(failed).toEqual([]);
});

test("one seed is one history", async () => {
  for (let seed = 1; seed <= TWICE; seed++) {
    const [first, second] = [await runSeed(seed), await runSeed(seed)];
    expect(second.hash).toBe(first.hash);
  }
});
