/** `with` of a bash task: what is allowed, what is told when it is not, and that it is kept as it was written. */
import { describe, expect, test } from "vitest";
import { DefinitionError } from "../../internal/spec/problems.ts";
import { readDefinition } from "../../internal/spec/read.ts";
import { writeDefinition } from "../../internal/spec/write.ts";

const definition = (task: object): object => ({ name: "x", tasks: [{ id: "a", ...task }] });

function problemsOf(task: object): string[] {
  try {
    readDefinition(definition(task));
    return [];
  } catch (error) {
    if (error instanceof DefinitionError) return error.problems.map(({ message }) => message);
    throw error;
  }
}

describe("allowed", () => {
  test.each<[string, object]>([
    ["a file in place of the command", { with: { file: "x.sh" } }],
    [
      "all at once",
      {
        command: "true",
        with: {
          shell: "bash -eu -o pipefail",
          args: ["a", { param: "day" }],
          working_dir: ".",
          stdin: "a\nb",
          retry_on: [1, 255],
          skip_code: 99,
          output: "json",
        },
      },
    ],
    ["no list at all", { command: "true", with: { args: [], no_retry_on: [] } }],
  ])("%s", (_name, task) => {
    const dag = readDefinition(definition(task));
    expect(dag.tasks[0]?.options).toEqual((task as { with: object }).with);
    expect(readDefinition(writeDefinition(dag))).toEqual(dag);
  });

  test("arguments are text, as variables are", () => {
    const dag = readDefinition(definition({ command: "x", with: { args: [1, true, 1.5] } }));
    expect(dag.tasks[0]?.options).toEqual({ args: ["1", "true", "1.5"] });
  });
});

test.each<[object, string]>([
  [{ with: {} }, "command: is missing; a task of type bash needs a command: a script"],
  [{ with: { shell: "sh" } }, "command: is missing; a task of type bash needs a command: a script"],
  [{ command: "x", with: { file: "x.sh" } }, "command: with.file says already what to run: use one of them"],
  [{ with: { file: "" } }, "file: must be text that is not empty, not ''"],
  [{ command: "x", with: { fle: "x" } }, "unknown field 'fle'; did you mean 'file'?"],
  [{ command: "x", with: { args: "a b" } }, "args: must be a list of arguments, not 'a b'"],
  [
    { command: "x", with: { args: [["a"]] } },
    "args[0]: must be text, a number, true or false, or a map with param",
  ],
  [{ command: "x", with: { args: ["a\0"] } }, "args[0]: must not hold a NUL character"],
  [
    { command: "x", with: { args: [{ parm: "a" }] } },
    "unknown field 'parm'; did you mean 'param'? Allowed here: param",
  ],
  [{ command: "x", type: "function", with: { a: 1 } }, "unknown field 'a': none is allowed here"],
  [{ command: "x", with: { retry_on: [0] } }, "retry_on[0]: must be a whole number from 1 to 255, not 0"],
  [{ command: "x", with: { skip_code: 256 } }, "skip_code: must be a whole number from 1 to 255, not 256"],
  [{ command: "x", with: { retry_on: [1], no_retry_on: [2] } }, "no_retry_on: is not needed beside retry_on"],
  [{ command: "x", with: { retry_on: [9], skip_code: 9 } }, "retry_on: has 9, which is the skip_code"],
  [{ command: "x", with: { output: "yaml" } }, "output: must be one of text, json, not 'yaml'"],
  [
    { command: "x", with: { fle: 1, retry_on: [9], skip_code: 9 } },
    "retry_on: has 9, which is the skip_code",
  ],
  [{ command: "x", with: { output: "x", retry_on: [1], no_retry_on: [2] } }, "no_retry_on: is not needed"],
])("not allowed: %j", (task, problem) => {
  expect(problemsOf(task).join("\n")).toContain(problem);
});
