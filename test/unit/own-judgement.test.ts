/** What a worker says of copies while no executor answers. */
import { expect, test } from "vitest";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { judgeAlone } from "../../internal/worker/own-judgement.ts";
import { work } from "../conformance/samples.ts";
import { dag, task } from "../support/dags.ts";
import { submitted } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";

test("what it does not see to be current yet goes back, since it may read a replica that lags behind", async () => {
  const clock = new ManualClock();
  const { blobs, log, presence } = new MemoryCluster({ clock });
  const definitions = new StoredDefinitions(blobs);
  const dagOfTwo = dag([task("a"), task("b", { dependsOn: ["a"] })]);
  const run = { runId: "run", partition: 0 };
  const answer = await log.append(run, {
    ...submitted(dagOfTwo),
    definition: await definitions.put(dagOfTwo),
  });
  const runSeq = answer.stored ? answer.seq : 0;
  const copies = [work("a"), work("a", { attempt: 2 }), work("b"), work("x")].map((each) => ({
    work: { ...each, ...run, runSeq },
    losses: 0,
  }));
  const judging = judgeAlone(copies, { incarnation: "w", log, definitions, presence, clock });
  await clock.advance(0);
  await clock.advance(5_000);
  expect(await judging).toEqual(["run", "held", "held", "over"]);
});
