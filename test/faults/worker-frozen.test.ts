/** Does what a frozen worker held run elsewhere, and is it a healthy worker again once it goes on? */
import { expect, test } from "vitest";
import { assertScenario, hitRunsElsewhere, SILENT_BOUND_MS, TIMES } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const FREEZES = trials(2);

test("workers are frozen beyond their bound, and go on", { timeout: timeLimit(FREEZES) }, async (context) => {
  await assertScenario(context, {
    fault: "worker: frozen (SIGSTOP)",
    seed: 2,
    stage: { executors: 2, workers: 3, ...TIMES },
    bounds: { max: SILENT_BOUND_MS, wait: SILENT_BOUND_MS },
    act: async (scene) => {
      const { stage, random } = scene;
      for (let i = 0; i < FREEZES; i++) {
        const worker = random.pick(stage.workers);
        await stage.until(async () => (await stage.runningOn(worker)).length > 0);
        const fault = stage.freeze(worker);
        await hitRunsElsewhere(scene, 5 * SILENT_BOUND_MS);
        stage.resume(worker, fault);
        await stage.completesOn(worker, fault.to ?? 0);
      }
      expect(stage.workers).toHaveLength(3);
      return FREEZES;
    },
  });
});
