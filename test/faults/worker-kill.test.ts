/** Does what a worker held run elsewhere soon after it was killed? */
import { expect, test } from "vitest";
import { assertScenario, hitRunsElsewhere } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const KILLS = trials(6);
const PER_KILL_MS = 20_000;

test("workers are killed under load", { timeout: timeLimit(KILLS) }, async (context) => {
  await assertScenario(context, {
    fault: "worker: kill -9",
    seed: 1,
    stage: { executors: 2, workers: 3 },
    bounds: { p50: 3_000, p99: 5_000, wait: 5_000 },
    act: async (scene) => {
      const { stage, random } = scene;
      for (let i = 0; i < KILLS; i++) {
        const worker = random.pick(stage.workers);
        const replacing = stage.startWorker();
        await stage.until(async () => (await stage.runningOn(worker)).length > 0);
        stage.kill(worker);
        await replacing;
        await hitRunsElsewhere(scene, PER_KILL_MS);
      }
      expect(stage.faults).toHaveLength(KILLS);
      return KILLS;
    },
  });
});
