/** Does a cancel end what runs and keep the rest from starting, also on a worker that does not hear of it? */
import { describe, test } from "vitest";
import type { Dag } from "../../internal/core/model.ts";
import { dag, task } from "../support/dags.ts";
import { grouped } from "./support/evidence.ts";
import { readRun } from "./support/log-reading.ts";
import type { Measured } from "./support/measures.ts";
import { assertScenario, type Seen } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const CANCELS = trials(3);
/** The grace period is not needed: these tasks end when they are told to. */
const BOUND_MS = 2_000;
const LONG_MS = 30_000;

/** Long tasks that have to be ended, and many short ones of which some wait on workers. */
function manyTasks(name: string): Dag {
  const long = Array.from({ length: 3 }, (_, i) =>
    task(`long-${i}`, { command: "work", params: { ms: LONG_MS } }),
  );
  const short = Array.from({ length: 60 }, (_, i) =>
    task(`short-${i}`, { command: "work", params: { ms: 150 } }),
  );
  return dag([...long, ...short], { name });
}

describe("runs are cancelled under load", () => {
  test.for([
    { isCutOff: false, fault: "cancel", seed: 12, bounds: { max: BOUND_MS } },
    { isCutOff: true, fault: "cancel, with a worker cut off meanwhile", seed: 13, bounds: {} },
  ])("$fault", { timeout: timeLimit(CANCELS) }, async ({ isCutOff, fault, seed, bounds }, context) => {
    await assertScenario(context, {
      fault,
      seed,
      stage: { executors: 2, workers: 3, proxied: true },
      bounds,
      act: async ({ stage, random }) => {
        const { witness } = stage;
        for (let i = 0; i < CANCELS; i++) {
          const runId = await witness.submit(manyTasks(`cancelled-${i}`), { mayEndAs: ["cancelled"] });
          const worker = random.pick(stage.workers);
          await stage.until(async () => {
            const running = await stage.runningOn(worker);
            return running.some(({ run }) => run === runId);
          });
          const cut = isCutOff ? stage.begin("worker cut off", worker.name) : undefined;
          if (cut !== undefined) worker.proxy?.cut();
          await witness.cancel(runId);
          await stage.until(() => witness.unfinished.every((run) => run.runId !== runId));
          if (cut === undefined) continue;
          worker.proxy?.pass();
          stage.end(cut);
          await stage.completesOn(worker, cut.to ?? 0);
        }
        return CANCELS;
      },
      measure: (_scene, seen) => measureEnds(seen),
    });
  });
});

/** From the cancel to the end of the last of what ran. */
function measureEnds({ facts, executions }: Seen): Measured {
  const byRun = grouped(executions, ({ run }) => run);
  const recoveryMs: number[] = [];
  const stuck: string[] = [];
  let hit = 0;
  for (const [runId, all] of grouped(facts, (logged) => logged.runId)) {
    const { cancelledAt } = readRun(all);
    if (cancelledAt === undefined) continue;
    hit++;
    const ends = (byRun.get(runId) ?? []).map(({ end }) => end?.at ?? Infinity);
    if (ends.includes(Infinity)) stuck.push(runId);
    recoveryMs.push(Math.max(0, Math.max(...ends) - cancelledAt));
  }
  return { hit, stuck, detectionMs: [], recoveryMs };
}
