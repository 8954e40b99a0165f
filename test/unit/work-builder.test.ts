/** What a task is given, whatever its run's values held before. */
import { expect, test } from "vitest";
import { decodeValue } from "../../internal/core/stored.ts";
import { WorkBuilder } from "../../internal/executor/work-builder.ts";
import { MemoryBlobs } from "../../internal/memory/blobs.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import { dag, task } from "../support/dags.ts";
import { TestRun } from "../support/facts.ts";

test("inputs that were stored before the log was put back are not taken for those of now", async () => {
  const blobs = new MemoryBlobs();
  const builder = new WorkBuilder({
    log: { read: async () => [] } as unknown as RunLog,
    blobs,
    inlineLimit: 10,
    trustedUntil: () => 0,
  });
  const inputsOf = async (text: string): Promise<unknown> => {
    const { fold } = new TestRun({ ...dag([task("a")]), params: { text } });
    const { inputs } = await builder.build(fold, { instance: 0, attempt: 1, dueAt: 0 });
    if ("inline" in inputs) throw new Error("they are inline");
    return decodeValue(await blobs.get({ runId: fold.runId }, inputs.ref));
  };
  expect(await inputsOf("before")).toMatchObject({ run: { inline: { text: "before" } } });
  expect(await inputsOf("behind")).toMatchObject({ run: { inline: { text: "behind" } } });
  expect(await inputsOf("longer than before")).toMatchObject({
    run: { inline: { text: "longer than before" } },
  });
});
