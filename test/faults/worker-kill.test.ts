/**
 * Does what a worker held run elsewhere soon after it was killed?
 *
 * `FAULTS_KILLS=300 npm run test:faults -- worker-kill` kills as many, one after the other.
 */
import { expect, test } from "vitest";
import { TestServer } from "../support/nats-server.ts";
import { SeededRandom } from "../support/random.ts";
import { Load } from "./support/load.ts";
import { measureLosses } from "./support/measures.ts";
import { Stage } from "./support/stage.ts";
import { assertSound } from "./support/verdict.ts";

const KILLS = Number(process.env.FAULTS_KILLS ?? "10");
const PER_KILL_MS = 20_000;

test("workers are killed under load", { timeout: 120_000 + KILLS * PER_KILL_MS }, async (context) => {
  const random = new SeededRandom(1);
  await using server = await TestServer.start();
  const times = ["--heartbeat", "1s"];
  await using stage = await Stage.open({
    server,
    executors: 1,
    workers: 3,
    flags: times,
    executorFlags: ["--dead-after", "3s"],
  });
  await using load = new Load(stage.witness, { random, runsPerSecond: 2.5, ms: [100, 500] });
  for (let i = 0; i < KILLS; i++) {
    const worker = random.pick(stage.workers);
    const replacing = stage.startWorker();
    await stage.until(async () => (await stage.runningOn(worker)).length > 0);
    stage.kill(worker);
    await replacing;
    await stage.until(async () => {
      const { hit, recovered } = measureLosses(stage.faults.slice(-1), {
        facts: stage.witness.facts,
        executions: await stage.executions(),
      });
      return hit === recovered;
    }, PER_KILL_MS);
  }
  await load.stop();
  const findings = await stage.verdict();
  const measured = measureLosses(stage.faults, {
    facts: stage.witness.facts,
    executions: await stage.executions(),
  });
  expect(measured.hit).toBeGreaterThanOrEqual(KILLS);
  assertSound(context, {
    fault: "worker: kill -9",
    trials: KILLS,
    runs: stage.witness.runs.length,
    measured,
    bounds: { p50: 3_000, p99: 5_000 },
    findings,
  });
});
