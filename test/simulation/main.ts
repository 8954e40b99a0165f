/** Runs seeds of the simulation: `npm run sim -- --seeds 1000 --from 1`; `--trace` shows what happened, `--first` ends with the first that fails. */
import { parseArgs } from "node:util";
import { runSeed, type SeedResult } from "./run-seed.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
    first: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
  },
});
const seeds = Number(values.seeds);
const from = Number(values.from);
const PROGRESS_EVERY_MS = 10_000;

// A reader that has seen enough (`| head`) wants no more seeds.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const failed: SeedResult[] = [];
const began = performance.now();
let saidAt = began;
for (let seed = from; seed < from + seeds && process.stdout.errored === null; seed++) {
  const result = await runSeed(seed, { trace: values.trace });
  if (values.trace) for (const line of result.lines) say(line);
  if (result.violation !== undefined) {
    failed.push(result);
    say(`seed ${seed} failed: ${result.violation.message}`);
    if (values.first) break;
  }
  if (performance.now() - saidAt > PROGRESS_EVERY_MS) {
    saidAt = performance.now();
    say(`${seed - from + 1} of ${seeds} seeds, ${failed.length} failed`);
  }
}
const took = ((performance.now() - began) / 1_000).toFixed(1);
say(`${seeds - failed.length} of ${seeds} seeds passed, from ${from}, in ${took} s`);
process.exitCode = failed.length === 0 ? 0 : 1;
