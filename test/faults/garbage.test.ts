/** Does anything go wrong when messages come that nobody should have sent? */
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { Names } from "../../internal/contract/subjects.ts";
import { TestServer } from "../support/nats-server.ts";
import type { SeededRandom } from "../support/random.ts";
import { assertScenarioOn, type Scene } from "./support/scenario.ts";
import { timeLimit, trials } from "./support/trials.ts";

const MESSAGES = trials(400);
const PER_TURN = 20;

/** What no part of the product sends: noise, JSON of the wrong shape, and a message of its own kind cut short. */
function payload(random: SeededRandom): Uint8Array {
  const text = random.pick([
    "",
    "null",
    "[]",
    "{}",
    '"text"',
    '{"v":1}',
    '{"v":2,"kind":"report"}',
    '{"v":1,"items":[{}]}',
    '{"v":1,"kind":"stop-attempt","attempt":{"run_id":"x"}}',
    '{"v":1,"worker_id":"w","incarnation":"w-1","attempts":[{"run_id":"x","task":"y"}]}',
    '{"__proto__":{"v":1}}',
    `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
    `{"v":1,"text":"${"x".repeat(100_000)}"}`,
  ]);
  if (random.chance(0.5)) return new TextEncoder().encode(text);
  return Uint8Array.from({ length: random.below(300) }, () => random.below(256));
}

/** Of every kind, for things that are there and things that are not. */
function subject(names: Names, { stage, random }: Scene): string {
  const { runs } = stage.witness;
  const known = runs[runs.length - 1 - random.below(Math.min(runs.length, 3))];
  const task = known === undefined ? undefined : random.pick(known.dag.tasks).id;
  const runId = random.chance(0.5) && known !== undefined ? known.runId : `nobody-${random.below(1_000)}`;
  const worker = random.pick([...stage.workers.map(({ name }) => name), "nobody"]);
  const attempt = { runId, task: task ?? "a", index: 0, attempt: 1 + random.below(3) };
  const run = names
    .factsOf(runId)
    .replace("*", String(random.below(70)))
    .replace(".>", "");
  const tail = random.below(1_000_000);
  return random.pick([
    `${run}.outcomes.default.${worker}.${tail}`,
    `${run}.outcomes.${tail}`,
    `${run}.nothing.${tail}`,
    `${run}.cancel.x${tail}`,
    names.task("default", attempt),
    `${names.tasksOf("default", runId).replace(">", "")}${tail}`,
    names.heartbeat(`${worker}-${tail}`),
    names.took(`${worker}-${tail}`),
    names.commandToAll,
    names.commandTo(worker),
    names.desk,
    names.blobChunk({ runId }, `noise-${tail}`, 0),
    names.dead(`noise-${tail}`),
    names.version("noise", tail),
  ]);
}

test(
  "random messages come on every subject",
  { timeout: timeLimit(MESSAGES / PER_TURN) },
  async (context) => {
    await using server = await TestServer.start();
    const { executions } = await assertScenarioOn(server, context, {
      fault: "random messages on every subject",
      seed: 15,
      stage: { executors: 2, workers: 3 },
      act: async (scene) => {
        const { stage, random } = scene;
        const names = new Names(stage.namespace);
        const nc = await connect({ servers: server.url });
        await stage.until(() => stage.witness.runs.length > 0);
        for (let sent = 0; sent < MESSAGES; sent += PER_TURN) {
          for (let i = 0; i < PER_TURN; i++) {
            const reply = random.chance(0.3) ? { reply: "noise.reply" } : {};
            nc.publish(subject(names, scene), payload(random), reply);
          }
          await nc.flush();
          const before = stage.witness.facts.length;
          await stage.until(() => stage.witness.facts.length > before);
        }
        await nc.close();
        return MESSAGES;
      },
    });
    expect(executions.length).toBeGreaterThan(0);
  },
);
