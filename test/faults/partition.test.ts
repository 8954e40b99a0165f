/** Does what a worker held run elsewhere when the network before it is gone, and is nobody hurt when it is only slow? */
import { expect, test } from "vitest";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import type { Member } from "./support/member.ts";
import { Probes } from "./support/probes.ts";
import { assertScenario, hitRunsElsewhere, SILENT_BOUND_MS, TIMES } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const CUTS = trials(3);
const EXECUTOR_CUTS = trials(2);
const SLOW_MS = 250;
const SLOW_PROBES = trials(3);
const FAIL_OVER_MS = 5_000;
const GIVE_UP_MS = 40_000;
const STAGE = { executors: 2, workers: 3, proxied: true } as const;

function proxyOf({ proxy, name }: Member): TcpProxy {
  if (proxy === undefined) throw new Error(`internal: ${name} has no proxy`);
  return proxy;
}

const WAYS: readonly ((proxy: TcpProxy) => void)[] = [
  (proxy) => proxy.drop(),
  (proxy) => proxy.halfOpen(),
  (proxy) => proxy.cut(),
];

test(
  "workers are cut off, and are healthy once they are back",
  { timeout: timeLimit(CUTS) },
  async (context) => {
    await assertScenario(context, {
      fault: "worker: cut off (nothing passes, half open, reset)",
      seed: 6,
      stage: { ...STAGE, ...TIMES },
      bounds: { max: SILENT_BOUND_MS, wait: SILENT_BOUND_MS },
      act: async (scene) => {
        const { stage, random } = scene;
        for (let i = 0; i < CUTS; i++) {
          const worker = random.pick(stage.workers);
          await stage.until(async () => (await stage.runningOn(worker)).length > 0);
          const fault = stage.begin("worker cut off", worker.name);
          WAYS[i % WAYS.length]?.(proxyOf(worker));
          await hitRunsElsewhere(scene, 5 * SILENT_BOUND_MS);
          proxyOf(worker).pass();
          stage.end(fault);
          await stage.completesOn(worker, fault.to ?? 0);
        }
        return CUTS;
      },
    });
  },
);

test("an executor is cut off, and comes back", { timeout: timeLimit(EXECUTOR_CUTS) }, async (context) => {
  const takenOver: number[] = [];
  await assertScenario(context, {
    fault: "executor: cut off, nothing passes",
    seed: 9,
    stage: STAGE,
    bounds: { max: FAIL_OVER_MS, wait: FAIL_OVER_MS },
    act: async ({ stage }) => {
      for (let i = 0; i < EXECUTOR_CUTS; i++) {
        const executor = stage.executors[i % 2];
        if (executor === undefined) throw new Error("internal: no executor");
        proxyOf(executor).drop();
        const probes = await Probes.send(stage.witness);
        takenOver.push(await stage.until(async () => probes.slowestMs(await stage.executions()), GIVE_UP_MS));
        proxyOf(executor).pass();
        const after = await Probes.send(stage.witness);
        await stage.until(async () => after.slowestMs(await stage.executions()), GIVE_UP_MS);
      }
      return EXECUTOR_CUTS;
    },
    measure: () => ({ recoveryMs: takenOver }),
  });
});

test(
  "the network is slow for everybody: nobody is taken for dead, and nothing runs twice",
  { timeout: timeLimit(SLOW_PROBES) },
  async (context) => {
    const { executions } = await assertScenario(context, {
      fault: `network: each way takes ${SLOW_MS} ms`,
      seed: 10,
      stage: STAGE,
      act: async ({ stage }) => {
        for (const member of [...stage.workers, ...stage.executors]) proxyOf(member).pass(SLOW_MS);
        for (let i = 0; i < SLOW_PROBES; i++) {
          const probes = await Probes.send(stage.witness);
          await stage.until(async () => probes.slowestMs(await stage.executions()), GIVE_UP_MS);
        }
        for (const member of [...stage.workers, ...stage.executors]) proxyOf(member).pass();
        return 1;
      },
    });
    expect(executions.length).toBeGreaterThan(0);
  },
);
