/** Does everything go on when a server of three is killed, and with it the leader of the log? */
import { test } from "vitest";
import { Names } from "../../internal/contract/subjects.ts";
import { TestServerCluster } from "../support/nats-server-cluster.ts";
import { Probes } from "./support/probes.ts";
import { assertScenarioOn } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const KILLS = trials(1);
const GIVE_UP_MS = 60_000;

test(
  "the server that leads the log is killed, and comes back",
  { timeout: timeLimit(KILLS) },
  async (context) => {
    await using servers = await TestServerCluster.start();
    const back: number[] = [];
    await assertScenarioOn(servers, context, {
      fault: "3 nats-servers: the log's leader killed",
      seed: 17,
      stage: { executors: 2, workers: 3 },
      prepare: () => servers.replicate(),
      act: async ({ stage }) => {
        for (let i = 0; i < KILLS; i++) {
          const leader = await servers.leaderOf(new Names(stage.namespace).runsStream);
          const fault = stage.begin("server killed", leader);
          await servers.kill(leader);
          const probes = await Probes.send(stage.witness);
          back.push(await stage.until(async () => probes.slowestMs(await stage.executions()), GIVE_UP_MS));
          servers.restart(leader);
          await servers.complete();
          stage.end(fault);
        }
        return KILLS;
      },
      measure: () => ({ recoveryMs: back }),
    });
  },
);
