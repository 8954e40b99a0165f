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
  expect(row.recovered, "tasks that were hit and ran again").toBe(row.hit);
  expect(tooSlow(row)).toEqual([]);
}
