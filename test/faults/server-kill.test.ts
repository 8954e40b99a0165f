/** Does everything go on after the server was killed and has started again, and is nobody taken for dead because of it? */
import { test } from "vitest";
import { TestServer } from "../support/nats-server.ts";
import { Probes } from "./support/probes.ts";
import { assertScenarioOn } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const KILLS = trials(3);
const GIVE_UP_MS = 40_000;

test("the server is killed under load and starts again", { timeout: timeLimit(KILLS) }, async (context) => {
  await using server = await TestServer.start();
  const back: number[] = [];
  await assertScenarioOn(server, context, {
    fault: "nats-server: kill -9 and restart",
    seed: 5,
    stage: { executors: 2, workers: 3 },
    act: async ({ stage, random }) => {
      for (let i = 0; i < KILLS; i++) {
        const fault = stage.begin("server killed", "nats");
        await server.kill();
        // Submitted into the void: stored once there is a server again.
        const probes = Probes.send(stage.witness);
        await new Promise((resolve) => {
          setTimeout(resolve, 200 + random.below(2_000));
        });
        await server.restart();
        stage.end(fault);
        const sent = await probes;
        back.push(await stage.until(async () => sent.slowestMs(await stage.executions()), GIVE_UP_MS));
      }
      return KILLS;
    },
    measure: () => ({ recoveryMs: back }),
  });
});
