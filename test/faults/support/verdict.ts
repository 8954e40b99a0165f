/** Reports a fault test's figures, and fails it for what must never be. */
import { expect, type TestContext } from "vitest";
import { rowOf, type Shown, tooSlow } from "./figures.ts";

export function assertSound(context: TestContext, shown: Shown): void {
  const row = rowOf(shown);
  context.task.meta.row = row;
  const { lost, acceptedTwice, dependencyBroken, startedAfterCancel, unexplained } = shown.findings;
  expect({ lost, acceptedTwice, dependencyBroken, startedAfterCancel, unexplained }).toEqual({
    lost: [],
    acceptedTwice: [],
    dependencyBroken: [],
    startedAfterCancel: [],
    unexplained: [],
  });
  expect(row.stuck, "what was hit and did not run again").toEqual([]);
  expect(tooSlow(row)).toEqual([]);
}
