/** Do the others take over what an executor drove, and is nothing done twice when it comes back? */
import { test } from "vitest";
import { Probes } from "./support/probes.ts";
import { assertScenario } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const FAIL_OVER_MS = 5_000;
const GIVE_UP_MS = 40_000;
const KILLS = trials(4);
const FREEZES = trials(2);

test("executors are killed under load", { timeout: timeLimit(KILLS) }, async (context) => {
  const takenOver: number[] = [];
  await assertScenario(context, {
    fault: "executor: kill -9",
    seed: 3,
    stage: { executors: 3, workers: 3 },
    bounds: { max: FAIL_OVER_MS, wait: FAIL_OVER_MS },
    act: async ({ stage, random }) => {
      for (let i = 0; i < KILLS; i++) {
        stage.kill(random.pick(stage.executors));
        const probes = await Probes.send(stage.witness);
        const replacing = stage.startExecutor();
        takenOver.push(await stage.until(async () => probes.slowestMs(await stage.executions()), GIVE_UP_MS));
        await replacing;
      }
      return KILLS;
    },
    measure: () => ({ recoveryMs: takenOver }),
  });
});

test(
  "an executor is frozen, another takes over, and the old one wakes up",
  { timeout: timeLimit(FREEZES) },
  async (context) => {
    const takenOver: number[] = [];
    await assertScenario(context, {
      fault: "executor: frozen (SIGSTOP), then resumed",
      seed: 4,
      stage: { executors: 2, workers: 3 },
      bounds: { max: FAIL_OVER_MS, wait: FAIL_OVER_MS },
      act: async ({ stage }) => {
        for (let i = 0; i < FREEZES; i++) {
          // Each in turn: one of them has been the owner for long, the other has just taken over.
          const executor = stage.executors[i % 2];
          if (executor === undefined) throw new Error("internal: no executor");
          const fault = stage.freeze(executor);
          const probes = await Probes.send(stage.witness);
          takenOver.push(
            await stage.until(async () => probes.slowestMs(await stage.executions()), GIVE_UP_MS),
          );
          stage.resume(executor, fault);
          const after = await Probes.send(stage.witness);
          await stage.until(async () => after.slowestMs(await stage.executions()), GIVE_UP_MS);
        }
        return FREEZES;
      },
      measure: () => ({ recoveryMs: takenOver }),
    });
  },
);
