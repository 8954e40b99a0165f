/** Fan modes, filters, bindings, gates and inputs of definitions: read, refused with their places, and written back. */
import { describe, expect, test } from "vitest";
import { DefinitionError } from "../../cmd/library/jetdag.ts";
import { OPERATORS } from "../../internal/core/edge-filter.ts";
import type { Dag } from "../../internal/core/model.ts";
import { parseDag } from "../../internal/spec/parse.ts";
import { readDefinition } from "../../internal/spec/read.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";
import { readWritten, writeDefinition } from "../../internal/spec/write.ts";

const ALL = `
name: x
inputs:
  url: { label: URL, description: From where, placeholder: "https://", required: true }
  mode: { default: { full: true } }
tasks:
  - { id: load, type: function }
  - { id: pass, type: gate, depends_on: [load], edge_filters: { load: { select: smallest } } }
  - id: work
    type: function
    depends_on: [load, pass]
    fan_mode: grouped
    edge_filters:
      load:
        rules:
          - { field: file_size, op: gt, value: 5 }
          - { field: kind, op: in, value: [a, b] }
        select: largest
    bindings:
      path: { source: previous_node, node: load, key: file_path }
      token: { source: config, value: $TOKEN }
      none: { source: config }
      day: { source: runtime, key: d, label: Day, placeholder: "2026", required: true, default: 5 }
      plain: { source: runtime }
      title: { source: expression, expression: "{load.title | title} {input.url}" }
  - { id: files, command: make, outputs: [report.pdf, "out/**/*.csv"] }
`;

function problemsOf(text: string): string[] {
  try {
    parseDag(text, { file: "x.yaml" });
  } catch (error) {
    if (error instanceof DefinitionError) return error.message.split("\n");
    throw error;
  }
  return [];
}

function withTask(fields: string): string {
  return `name: x\ntasks:\n  - { id: a, command: x }\n  - id: b\n    command: x\n    depends_on: [a]\n    ${fields}\n`;
}

describe("a good definition", () => {
  const dag = parseDag(ALL);

  test("has it all in the model", () => {
    expect(dag.inputs).toEqual({
      url: { label: "URL", description: "From where", placeholder: "https://", required: true },
      mode: { default: { full: true } },
    });
    expect(dag.tasks[1]).toMatchObject({ type: "gate", command: "", queue: "default", isPassthrough: true });
    expect(dag.tasks[0]).not.toHaveProperty("isPassthrough");
    expect(dag.tasks[1]?.edgeFilters).toEqual({ load: { rules: [], select: "smallest" } });
    expect(dag.tasks[2]).toMatchObject({
      fanMode: "grouped",
      edgeFilters: {
        load: {
          rules: [
            { field: "file_size", op: "gt", value: 5 },
            { field: "kind", op: "in", value: ["a", "b"] },
          ],
          select: "largest",
        },
      },
      bindings: {
        token: { source: "config", value: "$TOKEN" },
        none: { source: "config" },
        day: { source: "runtime", key: "d", label: "Day", placeholder: "2026", required: true, default: 5 },
      },
    });
    expect(dag.tasks[3]?.outputs).toEqual(["report.pdf", "out/**/*.csv"]);
    expect(Object.keys(dag.tasks[2]?.bindings ?? {})).toEqual([
      "path",
      "token",
      "none",
      "day",
      "plain",
      "title",
    ]);
  });

  test("is written and read as the same, through JSON, checked or not", () => {
    const written = JSON.parse(JSON.stringify(writeDefinition(dag))) as DagDefinition;
    expect(readDefinition(written)).toEqual(dag);
    expect(readWritten(written)).toEqual(dag);
  });

  test("without any of it has none in the model, also where it says nothing", () => {
    const none: readonly Dag[] = [
      parseDag("name: x\ntasks: [{ id: a, command: x }]"),
      parseDag(
        "name: x\ninputs: {}\ntasks: [{ id: a, command: x, outputs: [], edge_filters: {}, bindings: {} }]",
      ),
    ];
    for (const each of none) {
      expect(each).not.toHaveProperty("inputs");
      for (const field of ["outputs", "fanMode", "edgeFilters", "bindings"])
        expect(each.tasks[0]).not.toHaveProperty(field);
    }
  });

  test("with edge filters has the fan mode single, unless it says another", () => {
    const fanModeOf = (fields: string): unknown => parseDag(withTask(fields)).tasks[1]?.fanMode;
    expect(fanModeOf("edge_filters: { a: { select: largest } }")).toBe("single");
    expect(fanModeOf("fan_mode: single")).toBe("single");
    expect(fanModeOf("fan_mode: aggregate\n    edge_filters: { a: {} }")).toBe("aggregate");
    expect(fanModeOf("bindings: {}")).toBeUndefined();
  });

  test("may have tasks called input and config, where there are no expressions", () => {
    const bindings = "bindings: { f: { source: previous_node, node: input, key: x } }";
    expect(
      problemsOf(
        `name: x\ntasks:\n  - { id: input, command: x }\n  - { id: config, command: x, depends_on: [input], ${bindings} }\n`,
      ),
    ).toEqual([]);
  });
});

describe("refused, with its place", () => {
  test.each([
    [
      'outputs: [/etc/passwd, ../x, "*.{a,b}", "out/*.csv", 7]',
      [
        "x.yaml:7:15: outputs[0]: begins with /: write it from the task's own folder on",
        "x.yaml:7:28: outputs[1]: must not have .. in it: nothing outside of the task's own folder is taken",
        String.raw`x.yaml:7:34: outputs[2]: has a {: write a pattern for each alternative, or \{ for the character itself`,
        "x.yaml:7:58: outputs[4]: must be text, not 7",
      ],
    ],
    ["outputs: out/*.csv", ["x.yaml:7:14: outputs: must be a list of paths and patterns, not 'out/*.csv'"]],
    [
      "type: function\n    outputs: [a]",
      [
        "x.yaml:8:14: outputs: a function returns what it hands over, see artifacts() of jetdag/functions: leave them out",
      ],
    ],
    ["fan_mode: all", ["x.yaml:7:15: fan_mode: must be one of single, aggregate, grouped, not 'all'"]],
    [
      "edge_filters: { a: { rules: [{ field: x, op: matches, value: y }] } }",
      [`x.yaml:7:50: op: must be one of ${OPERATORS.join(", ")}, not 'matches'`],
    ],
    [
      "edge_filters: { a: { rules: [{ field: x, op: eq, value: true }, { field: x, op: in, value: [1] }] } }",
      [
        "x.yaml:7:61: value: must be text, a number or a list of text; write true and false in quotes, not true",
        "x.yaml:7:97: value[0]: must be text; write it in quotes, not 1",
      ],
    ],
    [
      "edge_filters: { a: { rules: [{ feld: x, op: exists }] } }",
      [
        "x.yaml:7:36: unknown field 'feld'; did you mean 'field'? Allowed here: field, op, value",
        "x.yaml:7:34: value: is missing; it must be text, a number or a list of text; write true and false in quotes",
      ],
    ],
    [
      "edge_filters: { aa: { select: largest }, c: {} }",
      [
        "x.yaml:7:25: 'aa' is not in depends_on of task 'b': did you mean 'a'?",
        "x.yaml:7:49: 'c' is not in depends_on of task 'b': add it there, or leave this out",
      ],
    ],
    [
      "bindings: { f: { source: secret }, g: { node: a }, h: x }",
      [
        "x.yaml:7:30: source: must be one of previous_node, config, runtime, expression, not 'secret'",
        "x.yaml:7:43: source: is missing; it must be one of previous_node, config, runtime, expression",
        "x.yaml:7:59: h: must be a map with source, not 'x'",
      ],
    ],
    [
      "bindings: { f: { source: previous_node, node: a, kee: x }, g: { source: runtime, kee: x } }",
      [
        "x.yaml:7:54: unknown field 'kee'; did you mean 'key'? Allowed here: source, node, key",
        "x.yaml:7:86: unknown field 'kee'; did you mean 'key'? Allowed here: source, key, label, placeholder, required, default",
      ],
    ],
    [
      'bindings: { f: { source: previous_node, node: b, key: x }, g: { source: expression, expression: "{c.x | upper(1)}{" } }',
      [
        "x.yaml:7:51: 'b' is not in depends_on of task 'b': add it there, or leave this out",
        String.raw`x.yaml:7:101: expression, at character 17: '{' is never closed: write \{ for a brace in text`,
        "x.yaml:7:101: expression, at character 8: upper takes no argument, and has 1",
      ],
    ],
    [
      'bindings: { f: { source: config, value: secret://A }, g: { source: expression, expression: "secret://A" } }',
      [
        "x.yaml:7:45: secret:// is not looked up here: write $NAME for a secret",
        "x.yaml:7:96: secret:// is not looked up here: put the secret into params of the task, and write {config.NAME}",
      ],
    ],
    ["bindings: { __proto__: { source: config } }", ["x.yaml:7:17: '__proto__' cannot be a name here"]],
  ])("%s", (fields, problems) => {
    expect(problemsOf(withTask(fields)).toSorted()).toEqual(problems.toSorted());
  });

  test("a gate that would run something", () => {
    expect(
      problemsOf(
        "name: x\ntasks:\n  - id: g\n    type: gate\n    command: x\n    with: { a: 1 }\n    bindings: {}\n",
      ),
    ).toEqual([
      "x.yaml:5:14: command: a gate runs nothing: leave it out",
      "x.yaml:6:13: unknown field 'a': none is allowed here",
      "x.yaml:7:15: bindings: a gate runs nothing that could take them: leave them out",
    ]);
  });

  test("tasks called input and config, where any task has an expression", () => {
    const text = `name: x
tasks:
  - { id: input, command: x }
  - { id: config, command: x }
  - { id: c, command: x, bindings: { f: { source: expression, expression: plain } } }
`;
    expect(problemsOf(text)).toEqual([
      "x.yaml:3:11: a task cannot be called 'input' in a DAG with expressions, where {input.key} is an input of the run: rename it",
      "x.yaml:4:11: a task cannot be called 'config' in a DAG with expressions, where {config.key} is a param of the task itself: rename it",
    ]);
  });

  test("inputs: wrong fields, no name, and a default in two places", () => {
    const text = `name: x
params: { a: 1, b: 2 }
inputs:
  a: { default: 1 }
  b: { label: B }
  c: { requird: true }
  "": {}
tasks: [{ id: a, command: x }]
`;
    expect(problemsOf(text)).toEqual([
      "x.yaml:4:3: inputs: has an input without a name: write one",
      "x.yaml:6:8: unknown field 'requird'; did you mean 'required'? Allowed here: label, description, placeholder, required, default",
    ]);
    expect(problemsOf(text.replace("requird", "required").replace('"": {}', "d: {}"))).toEqual([
      "x.yaml:4:17: params has a default of 'a' already: leave one of the two out",
    ]);
  });

  test("10,000 bindings to what is no dependency, in the blink of an eye", () => {
    const depends_on = Array.from({ length: 2_000 }, (_, i) => `task-${i}`);
    const bindings = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [
        `f${i}`,
        { source: "previous_node", node: `tusk-${i}`, key: "x" },
      ]),
    );
    const tasks = [
      ...depends_on.map((id) => ({ id, command: "x" })),
      { id: "last", command: "x", depends_on, bindings },
    ];
    expect(() => readDefinition({ name: "x", tasks })).toThrow("and 9900 more problems");
  });
});
