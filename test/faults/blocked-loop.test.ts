/** Is a worker that lives never taken for dead, whatever the code of its tasks does to it and however long they take? */
import { test } from "vitest";
import { dag, task } from "../support/dags.ts";
import { assertScenario, DEAD_AFTER_MS, TIMES } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const BLOCKS = trials(2);
const BLOCK_MS = 2 * DEAD_AFTER_MS;
const ACK_WAIT_MS = 3_000;
const PRELOAD = new URL("./support/block-on-signal.mjs", import.meta.url).href;

test(
  "the main loop is blocked, functions compute without a pause, and tasks take longer than the ack wait",
  { timeout: timeLimit(BLOCKS) },
  async (context) => {
    await assertScenario(context, {
      fault: "worker: main loop blocked, tasks longer than the ack wait",
      seed: 16,
      stage: {
        executors: 2,
        workers: 3,
        ...TIMES,
        flags: [...TIMES.flags, "--ack-wait", `${ACK_WAIT_MS}ms`],
        workerEnv: { NODE_OPTIONS: `--import ${PRELOAD}`, BLOCK_MS: String(BLOCK_MS) },
      },
      act: async ({ stage, random }) => {
        for (let i = 0; i < BLOCKS; i++) {
          const tasks = [
            task("long", { command: "work", params: { ms: 3 * ACK_WAIT_MS } }),
            task("block", { command: "block", params: { ms: BLOCK_MS } }),
          ];
          const runId = await stage.witness.submit(dag(tasks, { name: `blocked-${i}` }));
          const worker = random.pick(stage.workers);
          await stage.until(async () => (await stage.runningOn(worker)).length > 0);
          worker.program.kill("SIGUSR2");
          await stage.until(() => stage.witness.unfinished.every((run) => run.runId !== runId), 60_000);
        }
        return BLOCKS;
      },
    });
  },
);
