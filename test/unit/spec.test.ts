import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { EXPONENTIAL_RETRY } from "../../internal/core/model.ts";
import { formatDuration, parseDuration } from "../../internal/spec/duration.ts";
import { parseParam } from "../../internal/spec/params.ts";
import { loadDag, parseDag } from "../../internal/spec/parse.ts";
import { ensureDag, readDefinition } from "../../internal/spec/read.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";
import { readWritten, writeDefinition } from "../../internal/spec/write.ts";
import { randomDag } from "../support/dags.ts";
import { TestFolder } from "../support/folder.ts";
import { SeededRandom } from "../support/random.ts";

function problemsOf(text: string): string[] {
  try {
    parseDag(text, { file: "x.yaml" });
  } catch (error) {
    return (error as Error).message.split("\n");
  }
  return [];
}

describe("a good file", () => {
  test("the weekly operations chain loads as it is", async () => {
    const dag = await loadDag(new URL("../../examples/weekly-ops/weekly-ops.yaml", import.meta.url).pathname);
    expect(dag).toMatchObject({ name: "weekly_ops_chain", tenantId: "local-dev", onFailure: "continue" });
    expect(
      dag.tasks.map(({ id, type, command, dependsOn, retries }) => [id, type, command, dependsOn, retries]),
    ).toEqual([
      ["sweep", "function", "inbox_drive_sweep", [], 1],
      ["report", "function", "weekly_report_pack", ["sweep"], 1],
      ["brief", "function", "meeting_transcript_brief", ["report"], 1],
    ]);
    expect(dag.tasks[1]?.params).toEqual({ start_date: "2025-10-01", end_date: "2025-10-07" });
  });

  test("every field is read", () => {
    const dag = parseDag(`
name: all
description: everything
tenant_id: acme
params: { a: 1, b: [x] }
on_failure: allow_partial
timeout: 1h30m
max_parallel: 3
tasks:
  - id: one
    type: shell
    command: echo
    env: { A: 1, B: true, C: text }
    retries: 2
    retry: { backoff: linear, initial: 500ms, max: 1m, jitter: 0 }
    timeout: 90
    queue: gpu
    priority: 9
    critical: true
    allow_failure: true
  - { id: two, type: rest, command: GET http://localhost, dependencies: [one] }
  - { id: three, type: golang, params: { x: null } }
`);
    expect(dag).toMatchObject({
      tenantId: "acme",
      onFailure: "allow_partial",
      timeoutMs: 5_400_000,
      maxParallel: 3,
    });
    expect(dag.tasks[0]).toEqual({
      id: "one",
      type: "bash",
      command: "echo",
      options: {},
      params: {},
      dependsOn: [],
      env: { A: "1", B: "true", C: "text" },
      retries: 2,
      retry: { backoff: "linear", initialMs: 500, factor: 1, maxMs: 60_000, jitter: 0 },
      timeoutMs: 90_000,
      queue: "gpu",
      priority: 9,
      critical: true,
      allowFailure: true,
    });
    expect(dag.tasks[1]).toMatchObject({ type: "http", dependsOn: ["one"], retry: EXPONENTIAL_RETRY });
    expect(dag.tasks[2]).toMatchObject({ type: "function", command: "three" });
  });

  test("JSON is read too", () => {
    expect(parseDag('{"name":"j","tasks":[{"id":"a","command":"true"}]}').tasks[0]?.type).toBe("bash");
  });

  test("what is written is read as the same", () => {
    for (let seed = 0; seed < 100; seed++) {
      const dag = randomDag(new SeededRandom(seed), 8);
      const written = JSON.parse(JSON.stringify(writeDefinition(dag))) as DagDefinition;
      expect(readDefinition(written)).toEqual(dag);
      expect(readWritten(written)).toEqual(dag);
    }
  });

  test("a DAG that was read is not read again", () => {
    const dag = parseDag("name: x\ntasks: [{ id: a, command: 'true' }]");
    expect(ensureDag(dag)).toBe(dag);
  });
});

describe("a bad file: every problem at once, with its place", () => {
  test.each([
    ["empty", "", ["x.yaml: is empty; a DAG file has at least a name and tasks"]],
    ["no map", "- a\n", ['x.yaml:1:1: the definition must be a map with name and tasks, not ["a"]']],
    [
      "a cycle",
      "name: x\ntasks:\n  - { id: a, command: x, depends_on: [b] }\n  - { id: b, command: x, depends_on: [a] }\n",
      ["x.yaml:3:38: Cycle detected in DAG 'x': a → b → a (remove one of these dependencies)"],
    ],
    [
      "a dependency on itself",
      "name: x\ntasks:\n  - { id: a, command: x, depends_on: [a] }\n",
      ["x.yaml:3:39: task 'a' depends on itself"],
    ],
    [
      "an unknown dependency",
      "name: x\ntasks:\n  - { id: extract, command: x }\n  - { id: b, command: x, depends_on: [extrct] }\n",
      ["x.yaml:4:39: unknown dependency 'extrct': did you mean 'extract'?"],
    ],
    [
      "a duplicate id",
      "name: x\ntasks:\n  - { id: a, command: x }\n  - { id: a, command: x }\n",
      ["x.yaml:4:11: task id 'a' is used twice: it names task 1 already"],
    ],
    [
      "an id with a dot, and one with a blank",
      "name: x\ntasks:\n  - { id: a.b, command: x }\n  - { id: a b, command: x }\n",
      [
        "x.yaml:3:11: task id 'a.b' is not allowed: use 1 to 128 of A-Z a-z 0-9 _ -",
        "x.yaml:4:11: task id 'a b' is not allowed: use 1 to 128 of A-Z a-z 0-9 _ -",
      ],
    ],
    [
      "an unknown type",
      "name: x\ntasks:\n  - { id: a, type: perl, command: x }\n",
      [
        "x.yaml:3:20: type: unknown type 'perl'; use one of bash, shell, http, rest, function, go, golang, docker, python, py, gate; a plug-in's type has to be named in 'types'",
      ],
    ],
    [
      "a secret where none is looked up; a script may speak of one",
      `name: x
tasks:
  - { id: a, type: http, command: "GET http://x/?t=secret://T" }
  - { id: b, type: docker, command: '{"env":{"T":"secret://T"}}' }
  - { id: c, command: echo secret://T }
  - { id: d, type: docker, command: echo secret://T }
`,
      ["x.yaml:3:35", "x.yaml:4:37"].map(
        (place) =>
          `${place}: command: secret:// is not looked up in a command; put what names a secret into with, env or params`,
      ),
    ],
    [
      "a command under a misspelt name is not missing as well",
      "name: x\ntasks:\n  - { id: a, comand: x }\n  - { id: b, comand: x, command: 5 }\n",
      [
        "x.yaml:3:14: unknown field 'comand'; did you mean 'command'? Allowed here: id, name, type, command, workflow_ref, params, depends_on, dependencies, retries, retry, timeout, sla, queue, priority, critical, allow_failure, env, outputs, fan_mode, edge_filters, bindings, with",
        "x.yaml:4:14: unknown field 'comand'; did you mean 'command'? Allowed here: id, name, type, command, workflow_ref, params, depends_on, dependencies, retries, retry, timeout, sla, queue, priority, critical, allow_failure, env, outputs, fan_mode, edge_filters, bindings, with",
        "x.yaml:4:34: command: must be text, not 5",
      ],
    ],
    [
      "negative retries, a bad duration and an unknown field together",
      "name: x\ntasks:\n  - id: a\n    command: x\n    retries: -1\n    timeout: 5 parsecs\n    dependson: []\n",
      [
        "x.yaml:5:14: retries: must be a whole number from 0 to 1000, not -1",
        "x.yaml:6:14: timeout: '5 parsecs' is no duration; write it like 500ms, 30s, 5m, 1h30m, or as a number of seconds",
        "x.yaml:7:5: unknown field 'dependson'; did you mean 'depends_on'? Allowed here: id, name, type, command, workflow_ref, params, depends_on, dependencies, retries, retry, timeout, sla, queue, priority, critical, allow_failure, env, outputs, fan_mode, edge_filters, bindings, with",
      ],
    ],
    [
      "a wrong shape and a wrong dependency together",
      "name: x\ntasks:\n  - { id: a, command: x, priority: 10, depends_on: [b] }\n",
      [
        "x.yaml:3:36: priority: must be a whole number from 1 to 9, not 10",
        "x.yaml:3:53: unknown dependency 'b': no task has this id",
      ],
    ],
    [
      "nothing to run",
      "name: x\ntasks:\n  - { id: a }\n",
      ["x.yaml:3:5: command: is missing; a task of type bash needs a command: a script"],
    ],
    ["no task", "name: x\ntasks: []\n", ["x.yaml:2:8: there is no task: at least one is needed"]],
    [
      "a field that is there twice",
      "name: x\nname: y\ntasks: []\n",
      [
        "x.yaml:2:1: 'name' is there twice in this map",
        "x.yaml:3:8: there is no task: at least one is needed",
      ],
    ],
    [
      "two documents",
      "name: x\n---\nname: y\n",
      ["x.yaml:2:1: a second document begins here; one is allowed"],
    ],
  ])("%s", (_name, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test("a long cycle is found without exhausting the stack", () => {
    const tasks = Array.from({ length: 20_000 }, (_, i) => ({
      id: `t${i}`,
      command: "x",
      depends_on: [`t${(i + 1) % 20_000}`],
    }));
    expect(() => readDefinition({ name: "ring", tasks })).toThrow("Cycle detected in DAG 'ring'");
  });
});

describe("what is no DAG file at all", () => {
  test.each([
    ["missing", undefined, "no such file"],
    ["binary", Buffer.from([1, 2, 0, 3]), "is not a text file"],
    ["50 MB of noise", Buffer.alloc(50_000_000, 0x81), "is not a text file"],
    ["50 MB of one line", Buffer.alloc(50_000_000, "a: ["), "holds more than 5000000 values"],
    [
      "a long line",
      Buffer.alloc(1_000_000, "a: ["),
      "x.yaml:1:397: not valid YAML: lists and maps are nested more than 100 deep",
    ],
    ["too large", Buffer.alloc(70_000_000, "a\n"), "at most 64 are allowed"],
  ])("%s", async (_name, content, message) => {
    await using folder = await TestFolder.make();
    const file = content === undefined ? `${folder.path}/none.yaml` : await folder.write("x.yaml", content);
    await expect(loadDag(file)).rejects.toThrow(message);
  });

  test("an alias bomb is refused", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 0; i < 8; i++)
      bomb.push(
        `k${i}: &k${i} [${Array.from({ length: 10 }, () => (i === 0 ? "*a" : `*k${i - 1}`)).join(", ")}]`,
      );
    expect(problemsOf(bomb.join("\n")).join()).toContain("cannot be used");
  });
});

test("the examples are valid", async () => {
  const text = await readFile(new URL("../../examples/quickstart/quickstart.yaml", import.meta.url), "utf8");
  expect(parseDag(text).tasks).toHaveLength(7);
});

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["2d", 172_800_000],
    ["90", 90_000],
    [90, 90_000],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  });

  test.each(["", "abc", "5 parsecs", "-3s", "m", "1m1h", Number.NaN, -1, null, {}])("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe("params from the command line take the kind of their default", () => {
  const defaults = { n: 1, b: true, l: [1], t: "x" };
  test.each([
    ["n=2", ["n", 2]],
    ["b=false", ["b", false]],
    ["l=[2,3]", ["l", [2, 3]]],
    ["t=5", ["t", "5"]],
    ["new=a=b", ["new", "a=b"]],
  ])("%s", (text, expected) => {
    expect(parseParam(text, defaults)).toEqual(expected);
  });
  test.each(["n=x", "b=yes", "l=[", "novalue", "=x"])("%s is refused", (text) => {
    expect(() => parseParam(text, defaults)).toThrow(/param/);
  });
});
