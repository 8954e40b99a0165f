import { expect, test } from "vitest";
import { readableRecord } from "../../internal/telemetry/logger.ts";

const time = new Date(2026, 0, 31, 10, 31, 7).toISOString();

test("for a person: the clock on the wall, what happened, the facts; who says it is known", () => {
  const line = { level: 30, time, name: "worker", run_id: "3f9c", queues: ["a"], msg: "run submitted" };
  expect(readableRecord(line)).toBe('10:31:07 run submitted run_id=3f9c queues=["a"]');
});

test.each([
  [40, "10:31:07 WARN worker declared dead"],
  [50, "10:31:07 ERROR worker declared dead"],
])("level %d can be told without colours", (level, line) => {
  expect(readableRecord({ level, time, msg: "worker declared dead" })).toBe(line);
});

test("what a task printed cannot steer the terminal, and stays in its line", () => {
  const line = { level: 30, time, line: "a\u001B[2Jb\nc", msg: "task logged" };
  expect(readableRecord(line)).toBe("10:31:07 task logged line=ab c");
});
