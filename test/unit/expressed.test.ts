/** Expressions in the places of values: where they are found, what becomes of them, and where they are refused. */
import { describe, expect, test } from "vitest";
import { dag as buildDag, DefinitionError, fn, http } from "../../cmd/library/jetdag.ts";
import { formOf } from "../../internal/core/dag-form.ts";
import { expressedIn } from "../../internal/core/expressed.ts";
import { MAX_STEPS_OF_TASK, MAX_VALUES_OF_TASK } from "../../internal/core/expression/limits.ts";
import { fillIn, type FilledIn } from "../../internal/core/fill-in.ts";
import type { JsonObject, JsonValue } from "../../internal/core/json.ts";
import type { Task } from "../../internal/core/model.ts";
import { Sources, type SourcesOptions } from "../../internal/core/sources.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";
import { parseDag } from "../../internal/spec/parse.ts";
import { readDefinition } from "../../internal/spec/read.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";
import { readWritten, writeDefinition } from "../../internal/spec/write.ts";

type Parts = Partial<Pick<Task, "type" | "params" | "options">>;

function fill(parts: Parts, more: Partial<SourcesOptions> = {}): FilledIn {
  const task = { type: "function", params: {}, options: {}, ...parts };
  const sources = new Sources({ artifactsOf: () => [], input: {}, patterns: linearPatterns(), ...more });
  return fillIn(task, sources);
}

const of = (expression: string): { expression: string } => ({ expression });

describe("params", () => {
  test("have the values of expressions at any depth, as they are, and all else as it was", () => {
    const input = { n: 5, list: [1, { a: null }], none: null, text: "{input.n}" };
    const params = {
      n: of("{input.n}"),
      deep: [{ x: of("{input.list}") }, [of("<{input.n}>")], "{input.n}"],
      none: of("{input.nothing}"),
      text: of("{input.text}"),
      plain: { expression: "{input.n}", more: 1 },
      other: { expression: 5 },
    };
    expect(fill({ params }, { input })).toEqual({
      options: {},
      params: {
        n: 5,
        deep: [{ x: [1, { a: null }] }, ["<5>"], "{input.n}"],
        none: null,
        text: "{input.n}",
        plain: { expression: "{input.n}", more: 1 },
        other: { expression: 5 },
      },
    });
  });

  test("a map that is to have an expression alone is written with its text as one", () => {
    const params = { formula: { expression: of("1+1") }, expression: "{input.n}" };
    expect(fill({ params }, { input: { n: 5 } })).toMatchObject({
      params: { formula: { expression: "1+1" }, expression: "{input.n}" },
    });
  });

  test("of any name are params like others", () => {
    const params = JSON.parse(
      '{ "__proto__": { "expression": "{input.n}" }, "a": { "__proto__": { "expression": "{input.n}" } } }',
    ) as JsonObject;
    const filled = fill({ params }, { input: { n: 5 } });
    expect(JSON.stringify(filled)).toBe('{"params":{"__proto__":5,"a":{"__proto__":5}},"options":{}}');
    expect(fill({ params: { x: of("{input.constructor}{config.toString}{a.__proto__}") } })).toMatchObject({
      params: { x: null },
    });
  });

  test("see those of them that have no expression, and options see all", () => {
    const params = { host: of("{input.host}"), path: "/a", deep: { x: of("{input.n}") } };
    const url = of("https://{config.host}{config.path}?{config.deep | json_get(x)}");
    expect(fill({ type: "http", params, options: { url } }, { input: { host: "h", n: 5 } })).toMatchObject({
      options: { url: "https://h/a?5" },
    });
    const own = { ...params, all: of("{config.host}{config.deep}{config.path}") };
    expect(fill({ params: own }, { input: { host: "h", n: 5 } })).toMatchObject({ params: { all: "/a" } });
  });
});

describe("options of http", () => {
  const input = { n: 5, yes: true, list: [1, "a", null], map: { k: 1 }, empty: "" };
  const all = ["{input.n}", "{input.yes}", "{input.list}", "{input.map}", "{input.empty}", "{input.none}"];
  const texts = ["5", "true", '[1,"a",null]', '{"k":1}', ""];

  test.each(["headers", "query", "form"])("%s have text; what comes to null is left out", (option) => {
    const each = Object.fromEntries(all.map((expression, i) => [`x${i}`, of(expression)]));
    const options = {
      [option]: { ...each, list: [...all.map(of), "end"], gone: [of("{input.none}")], none: [], plain: "p" },
    };
    expect(fill({ type: "http", options }, { input })).toEqual({
      params: {},
      options: {
        [option]: {
          ...Object.fromEntries(texts.map((text, i) => [`x${i}`, text])),
          list: [...texts, "end"],
          none: [],
          plain: "p",
        },
      },
    });
  });

  test.each(["url", "text"])("%s is text, and empty where it comes to null", (option) => {
    for (const [i, expression] of all.entries()) {
      const filled = fill({ type: "http", options: { [option]: of(expression) } }, { input });
      expect(filled).toMatchObject({ options: { [option]: texts[i] ?? "" } });
    }
  });

  test("json has values as they are, by itself and at any depth", () => {
    const json = fill({ type: "http", options: { json: { a: all.map(of), b: [] } } }, { input });
    const values = [5, true, [1, "a", null], { k: 1 }, "", null];
    expect(json).toMatchObject({ options: { json: { a: values, b: [] } } });
    expect(fill({ type: "http", options: { json: of("{input.map}") } }, { input })).toMatchObject({
      options: { json: { k: 1 } },
    });
    for (const none of [of("{input.none}"), null])
      expect(fill({ type: "http", options: { json: none } })).toEqual({
        params: {},
        options: { json: null },
      });
  });

  test("a header, a field or a param that is called expression is none", () => {
    const options = { headers: { expression: "{input.n}" }, query: { expression: "1+1" } };
    expect(expressedIn({ type: "http", options, params: { expression: "{input.n}" } })).toEqual([]);
  });

  test("those of no other type", () => {
    const options = { url: of("{input.n}"), json: of("{input.n}") };
    for (const type of ["bash", "docker", "function", "my-type", "constructor"]) {
      expect(fill({ type, options }, { input })).toEqual({ params: {}, options });
      expect(expressedIn({ type, options, params: {} })).toEqual([]);
    }
  });
});

describe("what cannot be evaluated says where it stands", () => {
  test("the first of them", () => {
    const params = { fine: of("x"), deep: [{ "a.b": of("a {input.none | required}") }], other: of("{") };
    expect(fill({ params })).toEqual({
      problem: expect.stringMatching(
        /^params\.deep\[0\]\.a\.b: expression, at character 17: a value is required/,
      ) as string,
    });
    const options = { headers: { "x-day": [of("{input.none | required}")] } };
    expect(fill({ type: "http", options })).toEqual({
      problem: expect.stringMatching(/^with\.headers\.x-day\[0\]: /) as string,
    });
  });

  test("any number of them does no more than a task may", () => {
    const params = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`p${i}`, of("{input.x | upper | lower | upper}")]),
    );
    expect(fill({ params }, { input: { x: "x".repeat(1_000_000) } })).toEqual({
      problem: expect.stringContaining(`more than ${MAX_STEPS_OF_TASK} steps in all`) as string,
    });
    const copies = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, of("{input.x}")]));
    expect(fill({ params: copies }, { input: { x: "x".repeat(1_000_000) } })).toEqual({
      problem: expect.stringContaining(`more than ${MAX_VALUES_OF_TASK} bytes`) as string,
    });
  });
});

test("what no artifact has is looked for in the output", () => {
  const artifact = { name: "a", size: null, mimeType: null, metadata: { n: 1 }, path: null };
  const params = { n: of("{a.n}"), m: of("{a.m}"), none: of("{a.x}{b.m}") };
  const outputOf = (task: string): JsonObject | undefined => (task === "a" ? { n: 2, m: [3] } : undefined);
  expect(fill({ params }, { artifactsOf: () => [artifact], outputOf })).toMatchObject({
    params: { n: 1, m: [3], none: null },
  });
  expect(fill({ params }, { outputOf })).toMatchObject({ params: { n: 2, m: [3] } });
});

const FILE = `
name: x
tasks:
  - { id: make, type: function }
  - id: send
    type: http
    params: { host: { expression: "{input.host}" } }
    with:
      url: { expression: "https://{config.host}/{make.id}" }
      headers: { x-day: [{ expression: "{input.day}" }, today] }
      json: { all: [{ expression: "{make.all}" }] }
    depends_on: [make]
  - { id: run, command: make, params: { deep: [{ expression: "{input.last}" }] }, depends_on: [make] }
  - { id: plain, command: make, params: { deep: [{ expression: 5 }] } }
`;

describe("a definition", () => {
  const dag = parseDag(FILE);

  test("says which tasks have any", () => {
    expect(dag.tasks.map((task) => task.hasExpressions)).toEqual([undefined, true, true, undefined]);
  });

  test("is written and read as the same, through JSON, checked or not", () => {
    const written = JSON.parse(JSON.stringify(writeDefinition(dag))) as DagDefinition;
    expect(readDefinition(written)).toEqual(dag);
    expect(readWritten(written)).toEqual(dag);
  });

  test("asks for the inputs that they name", () => {
    expect(formOf(dag).map(({ name, label }) => [name, label])).toEqual([
      ["host", "Host"],
      ["day", "Day"],
      ["last", "Last"],
    ]);
  });

  test("has no task called input or config", () => {
    expect(problemsOf(FILE.replaceAll("make", "config"))).toEqual([
      "x.yaml:4:11: a task cannot be called 'config' in a DAG with expressions, where {config.key} is a param of the task itself: rename it",
    ]);
  });

  test("may be made by a program", () => {
    const built = buildDag("x")
      .task("make", fn("make"))
      .task("send", http({ url: of("https://h/{make.id}"), query: { n: of("{input.n}"), m: [1] } }), {
        dependsOn: ["make"],
        params: { n: of("{make.n}") },
      });
    expect(readDefinition(built.toDefinition()).tasks[1]).toMatchObject({
      hasExpressions: true,
      options: { url: of("https://h/{make.id}"), query: { n: of("{input.n}"), m: ["1"] } },
    });
    expect(() => buildDag("x").task("send", http({ url: of("https://{make.x}") }))).toThrow(
      "'make' is not in depends_on of task 'send'",
    );
  });
});

function problemsOf(text: string): string[] {
  try {
    parseDag(text, { file: "x.yaml" });
  } catch (error) {
    if (error instanceof DefinitionError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const NOT_HERE =
  "cannot be an expression: expressions stand in bindings, in params of tasks, and in url, headers, query, json, text and form of http tasks";

describe("refused, with its place", () => {
  const withTask = (fields: string): string =>
    `name: x\ntasks:\n  - { id: a, command: x }\n  - id: b\n    depends_on: [a]\n    ${fields}\n`;

  test.each<[fields: string, ...problems: string[]]>([
    ['command: { expression: "{a.b}" }', `6:14: command: ${NOT_HERE}`],
    [
      'with: { file: { expression: "{a.f}" }, args: [{ expression: x }], working_dir: { expression: x } }',
      `6:19: file: ${NOT_HERE}`,
      `6:51: args[0]: ${NOT_HERE}`,
      `6:84: working_dir: ${NOT_HERE}`,
    ],
    ["command: x\n    env: { X: { expression: x } }", `7:15: X: ${NOT_HERE}`],
    ["command: x\n    retries: { expression: x }", `7:14: retries: ${NOT_HERE}`],
    ["command: x\n    timeout: { expression: x }", `7:14: timeout: ${NOT_HERE}`],
    ["command: x\n    retry: { expression: x }", `7:12: retry: ${NOT_HERE}`],
    ["command: x\n    outputs: [{ expression: x }]", `7:15: outputs[0]: ${NOT_HERE}`],
    [
      "type: http\n    with: { url: http://h, method: { expression: x }, max_redirects: { expression: x } }",
      `7:36: method: ${NOT_HERE}`,
      `7:70: max_redirects: ${NOT_HERE}`,
    ],
    [
      "type: http\n    with: { url: http://h, auth: { bearer: { expression: x } }, response_headers: [{ expression: x }] }",
      `7:44: bearer: ${NOT_HERE}`,
      `7:84: response_headers[0]: ${NOT_HERE}`,
    ],
    [
      "type: docker\n    command: x\n    with: { image: { expression: x }, volumes: [{ expression: x }] }",
      `8:20: image: ${NOT_HERE}`,
      `8:49: volumes[0]: ${NOT_HERE}`,
    ],
    ["type: http\n    command: { expression: x }", `7:14: command: ${NOT_HERE}`],
    [
      "command: x\n    bindings: { f: { expression: x } }",
      "7:20: source: is missing; it must be one of previous_node, config, runtime, expression",
    ],
    [
      'command: x\n    params: { p: [{ q: { expression: "{a.x | nope2(} and {c.x" } }] }',
      "7:38: expression, at character 13: '(' must have its ')'",
      "7:38: expression, at character 20: '{' is never closed",
    ],
    [
      'type: http\n    with: { url: { expression: "{c.x}{b.x}" }, query: { q: { expression: "{a.x | upper(1)}" } } }',
      "7:32: 'c' is not in depends_on of task 'b': add it there, or leave this out",
      "7:32: 'b' is not in depends_on of task 'b': add it there, or leave this out",
      "7:74: expression, at character 8: upper takes no argument, and has 1",
    ],
    [
      'type: http\n    with: { url: http://h, json: [{ expression: "{a.x} secret://X" }] }',
      "7:49: secret:// is not looked up here: put the secret into params of the task, and write {config.NAME}",
    ],
    [
      'command: x\n    params: { p: { expression: "{config.q}{config.r}" }, q: [{ expression: "{input.q}" }], r: 1 }',
      "7:32: {config.q} is a param with an expression itself: params see only those without; write here what it says",
    ],
    [
      "type: http\n    with: { url: http://h, headers: { a b: { expression: x }, host: { expression: 5 } } }",
      `7:69: host: must be text, a number, true, false, an expression, or a list of them, not {"expression":5}`,
    ],
    [
      'type: http\n    command: GET http://h\n    with: { url: { expression: "{a.x}" } }',
      "7:14: command: names the",
    ],
  ])("%s", (fields, ...problems) => {
    const found = problemsOf(withTask(fields));
    const told = found.map((line, i) => line.slice(0, `x.yaml:${problems[i] ?? ""}`.length));
    expect(told).toEqual(problems.map((each) => `x.yaml:${each}`));
  });

  test("what came with the run is data: its defaults are not looked at", () => {
    expect(problemsOf(FILE.replace("name: x", 'name: x\nparams: { p: { expression: "{" } }'))).toEqual([]);
    expect(
      problemsOf(FILE.replace("name: x", 'name: x\ninputs: { p: { default: { expression: "{" } } }')),
    ).toEqual([]);
  });

  test("an expression among the defaults of tasks counts in each of them", () => {
    const text = (expression: string): string =>
      `name: x\ndefaults: { params: { p: { expression: "${expression}" } } }\ntasks: [{ id: a, command: x }]\n`;
    expect(parseDag(text("{input.x}")).tasks[0]).toMatchObject({ hasExpressions: true });
    expect(problemsOf(text("{b.x}"))).toEqual([
      "x.yaml:3:9: 'b' is not in depends_on of task 'a': add it there, or leave this out",
    ]);
  });
});

test("values of any kind and depth are found and filled in, each once", () => {
  let count = 0;
  const nested = (depth: number): JsonValue =>
    depth === 0 ? of(`{input.x${count++}}`) : [nested(depth - 1), { k: nested(depth - 1) }];
  const params = { p: nested(8) };
  const found = expressedIn({ type: "bash", params, options: {} });
  expect(found.map(({ text }) => text)).toEqual(Array.from({ length: 256 }, (_, i) => `{input.x${i}}`));
  const input = Object.fromEntries(found.map((_, i) => [`x${i}`, i]));
  const filled = fill({ params }, { input });
  expect(JSON.stringify(filled).match(/\d+/g)?.map(Number)).toEqual(found.map((_, i) => i));
});
