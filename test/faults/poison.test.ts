/** Do tasks that kill their workers come to an end, and do the runs beside them? */
import { expect, test } from "vitest";
import { dag, task } from "../support/dags.ts";
import { grouped } from "./support/evidence.ts";
import { type Accepted, readRun } from "./support/log-reading.ts";
import type { Stage } from "./support/stage.ts";
import { assertScenario } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const POISONS = trials(2);
const LOSS_CAP = 2;
const WORKERS = 3;

/** As a supervisor does it. Resolves once all of these runs have ended. */
async function replaceUntilEnded(stage: Stage, runIds: readonly string[]): Promise<void> {
  const haveEnded = (): boolean => stage.witness.unfinished.every(({ runId }) => !runIds.includes(runId));
  while (!haveEnded()) {
    await stage.until(() => stage.workers.length < WORKERS || haveEnded(), 60_000);
    if (stage.workers.length < WORKERS) await stage.startWorker();
  }
}

test(
  "poison tasks kill their workers each time",
  { timeout: timeLimit(POISONS * (LOSS_CAP + 1)) },
  async (context) => {
    const poisoned: string[] = [];
    const { facts, executions } = await assertScenario(context, {
      fault: "poison tasks",
      seed: 14,
      stage: { executors: 2, workers: WORKERS },
      act: async ({ stage }) => {
        for (let i = 0; i < POISONS; i++) {
          const tasks = [
            task("before", { command: "work", params: { ms: 50 } }),
            task("poison", { command: "poison", dependsOn: ["before"] }),
            task("after", { command: "work", params: { ms: 50 }, dependsOn: ["poison"] }),
          ];
          const options = { mayEndAs: ["crashed"], lossCap: LOSS_CAP } as const;
          poisoned.push(await stage.witness.submit(dag(tasks, { name: `poison-${i}` }), options));
        }
        await replaceUntilEnded(stage, poisoned);
        return POISONS * (LOSS_CAP + 1);
      },
    });
    const byRun = grouped(facts, ({ runId }) => runId);
    for (const runId of poisoned) {
      const ends = readRun(byRun.get(runId) ?? []).accepted.get("poison") ?? [];
      expect(ends.map(reasonOf)).toEqual(["lost", "lost", "lost"]);
      const attempts = executions.filter(({ run, task }) => run === runId && task === "poison");
      // One may be lost with a worker that was killed by another one before this one started.
      expect(attempts.length).toBeLessThanOrEqual(LOSS_CAP + 1);
    }
  },
);

function reasonOf({ outcome }: Accepted): string {
  return outcome.state === "failed" ? outcome.error.reason : outcome.state;
}
