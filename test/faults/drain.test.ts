/** Does a worker that is told to end lose nothing, and does nothing run twice that had not to? */
import { expect, test } from "vitest";
import { dag, task } from "../support/dags.ts";
import { grouped } from "./support/evidence.ts";
import { readRun } from "./support/log-reading.ts";
import type { Measured } from "./support/measures.ts";
import { assertScenario, type Seen } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const DRAINS = trials(2);
const SHUTDOWN_MS = 2_000;
/** Longer than a drain lets anything run. */
const LONG_MS = 6_000;
/** What was given back runs elsewhere at once. */
const GIVEN_BACK_BOUND_MS = 2_000;

test(
  "workers are drained and replaced, one after the other, under load",
  { timeout: timeLimit(DRAINS) },
  async (context) => {
    const codes: (number | null)[] = [];
    await assertScenario(context, {
      fault: "worker: drained (SIGTERM)",
      seed: 11,
      stage: {
        executors: 2,
        workers: 3,
        slots: 6,
        workerFlags: ["--shutdown-timeout", `${SHUTDOWN_MS}ms`],
      },
      bounds: { max: GIVEN_BACK_BOUND_MS },
      act: async ({ stage }) => {
        for (let i = 0; i < DRAINS; i++) {
          // Before, so that the drain comes while the long task runs.
          await stage.startWorker();
          const long = task("long", { command: "work", params: { ms: LONG_MS } });
          const runId = await stage.witness.submit(dag([long], { name: `long-${i}` }));
          const worker = await stage.until(async () => {
            const running = (await stage.executions()).find(({ run }) => run === runId);
            return stage.workers.find(({ name }) => name === running?.worker);
          });
          await stage.startWorker();
          const fault = stage.drain(worker);
          codes.push((await worker.program.finished).code);
          stage.end(fault);
        }
        return DRAINS;
      },
      measure: (_scene, seen) => measureGivenBack(seen),
    });
    expect(codes).toEqual(codes.map(() => 0));
  },
);

/** From the outcome by which something was given back to its next start. */
function measureGivenBack({ facts, executions }: Seen): Measured {
  const recoveryMs: number[] = [];
  const stuck: string[] = [];
  let hit = 0;
  for (const [run, all] of grouped(facts, ({ runId }) => runId)) {
    for (const { outcome, at } of [...readRun(all).accepted.values()].flat()) {
      if (outcome.state !== "failed" || outcome.error.reason !== "released") continue;
      hit++;
      const next = executions.find(
        (each) => each.run === run && each.task === outcome.task && each.attempt === outcome.attempt + 1,
      );
      if (next === undefined) stuck.push(`${run} ${outcome.task} attempt ${outcome.attempt}`);
      else recoveryMs.push(next.startedAt - at);
    }
  }
  return { hit, stuck, detectionMs: [], recoveryMs };
}
