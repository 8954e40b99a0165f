import { describe, expect, test } from "vitest";
import { defaultQueueOf, problemOfType, queuesOf } from "../../internal/core/task-types.ts";
import { readDefinition } from "../../internal/spec/read.ts";
import { writeDefinition } from "../../internal/spec/write.ts";

describe("the queue of a type", () => {
  test.each([
    ["bash", "default"],
    ["http", "default"],
    ["function", "default"],
    ["docker", "docker"],
    ["sensor", "sensor"],
  ])("%s: %s", (type, queue) => {
    expect(defaultQueueOf(type)).toBe(queue);
  });

  test("counts for tasks that name none, and is not written", () => {
    const read = readDefinition(
      {
        name: "d",
        tasks: [
          { id: "a", type: "sensor", with: { every: "30s" } },
          { id: "b", type: "sensor", queue: "gpu" },
        ],
      },
      { types: ["sensor"] },
    );
    expect(read.tasks.map(({ queue }) => queue)).toEqual(["sensor", "gpu"]);
    // What a plug-in's task says is left to the plug-in.
    expect(read.tasks[0]?.options).toEqual({ every: "30s" });
    expect(writeDefinition(read).tasks.map(({ queue }) => queue)).toEqual([undefined, "gpu"]);
  });
});

test.each([
  [["bash", "http", "function"], undefined, ["default"]],
  [["bash", "docker", "sensor"], undefined, ["default", "docker", "sensor"]],
  [
    ["bash", "docker", "sensor"],
    ["bash", "sensor"],
    ["default", "sensor"],
  ],
  [["bash", "docker"], ["docker"], ["docker"]],
])("who runs %j, of which %j are allowed, serves %j", (types, allow, queues) => {
  expect(queuesOf(types, allow)).toEqual(queues);
});

test("names that tasks can have as their type", () => {
  for (const type of ["sensor", "bash", "a-b_c"]) expect(problemOfType(type)).toBeUndefined();
  expect(problemOfType("shell")).toBe("type: 'shell' is another name of 'bash'");
  for (const type of ["a b", "a.b", "", "*", 7, undefined]) {
    expect(problemOfType(type)).toContain("type: must be a name: ");
  }
});
