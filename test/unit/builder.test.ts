/** Definitions written as a program: what they hold, and what is refused when a task is added. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bash,
  dag,
  type DagBuilder,
  type DagOptions,
  fn,
  http,
  type JsonObject,
  LocalExecutor,
  parseDag,
} from "../../cmd/library/jetdag.ts";
import { problemsOf, refusal } from "../support/refusals.ts";

function etl(): DagBuilder<"extract" | "load"> {
  return dag("etl")
    .task("extract", bash("./extract.sh"))
    .task("load", fn("load"), { dependsOn: ["extract"] });
}

/** As a program without types does it. */
function untyped(builder: object): { task: (...args: unknown[]) => unknown } {
  return builder as { task: (...args: unknown[]) => unknown };
}

describe("what it writes", () => {
  test("every field of a DAG and of a task, in the names and the form of a file", () => {
    const builder = dag("all", {
      description: "everything",
      tenantId: "acme",
      params: { a: 1, snakeOrCamel_stays: { deepKey: [] } },
      onFailure: "allow_partial",
      timeout: "1h30m",
      maxParallel: 3,
    })
      .task("one", bash("echo"), {
        name: "The first",
        params: { x: null },
        env: { A: 1, camelCase: true },
        retries: 2,
        retry: { backoff: "linear", initial: "500ms", factor: 3, max: "1m", jitter: 0 },
        timeout: 90,
        queue: "gpu",
        priority: 9,
        critical: true,
        allowFailure: true,
      })
      .task("two", http("GET http://localhost"), { dependsOn: ["one"] })
      .task("three", { type: "function" }, { dependsOn: ["one", "two"] });
    expect(builder.toDefinition()).toEqual({
      name: "all",
      description: "everything",
      tenant_id: "acme",
      params: { a: 1, snakeOrCamel_stays: { deepKey: [] } },
      on_failure: "allow_partial",
      timeout: "1h30m",
      max_parallel: 3,
      tasks: [
        {
          id: "one",
          type: "bash",
          command: "echo",
          name: "The first",
          params: { x: null },
          env: { A: 1, camelCase: true },
          retries: 2,
          retry: { backoff: "linear", initial: "500ms", factor: 3, max: "1m", jitter: 0 },
          timeout: 90,
          queue: "gpu",
          priority: 9,
          critical: true,
          allow_failure: true,
        },
        { id: "two", type: "http", command: "GET http://localhost", depends_on: ["one"] },
        { id: "three", type: "function", depends_on: ["one", "two"] },
      ],
    });
  });

  test("YAML as a person writes it", () => {
    const builder = dag("etl", { maxParallel: 2 })
      .task("extract", bash("set -e\n./extract.sh\n"), { timeout: "10m" })
      .task("load", fn("load"), { dependsOn: ["extract"] });
    expect(builder.toYAML()).toBe(`name: etl
max_parallel: 2
tasks:
  - id: extract
    type: bash
    command: |
      set -e
      ./extract.sh
    timeout: 10m
  - id: load
    type: function
    command: load
    depends_on:
      - extract
`);
  });

  test("tasks keep their order, also those with numbers for ids", () => {
    const builder = dag<string>("order");
    const ids = ["9", "b", "1", "a", "__proto__", "constructor"];
    for (const id of ids) builder.task(id, bash("true"));
    expect(builder.toDefinition().tasks.map(({ id }) => id)).toEqual(ids);
    expect(parseDag(builder.toYAML()).tasks.map(({ id }) => id)).toEqual(ids);
  });

  test("an option that is undefined is left out", () => {
    const options = { retries: undefined, retry: { initial: undefined, jitter: 0 } };
    const builder = dag("x", { maxParallel: undefined }).task(
      "a",
      { type: "function", command: undefined },
      options,
    );
    expect(builder.toDefinition()).toStrictEqual({
      name: "x",
      tasks: [{ id: "a", type: "function", retry: { jitter: 0 } }],
    });
  });

  test("what is handed in and what is given out are copies", () => {
    const params: JsonObject = { day: 1 };
    const builder = dag("copies", { params }).task("a", fn("a"), { params });
    params.day = 2;
    const written = builder.toDefinition();
    written.tasks.length = 0;
    expect(builder.toDefinition()).toMatchObject({ params: { day: 1 }, tasks: [{ params: { day: 1 } }] });
  });
});

describe("what is refused at run time", () => {
  test.each([
    ["extrct", "unknown dependency 'extrct': did you mean 'extract'?"],
    ["zebra", "unknown dependency 'zebra': no task before it has this id"],
    ["check", "task 'check' depends on itself"],
  ])("a dependency on '%s', with the DAG and the task", (id, message) => {
    expect(refusal(() => etl().task("check", bash("x"), { dependsOn: [id] }))).toEqual([
      `DAG 'etl', task 'check': ${message}`,
    ]);
  });

  test("an id that is there already; the first task stays as it was", () => {
    const builder = etl();
    expect(refusal(() => untyped(builder).task("extract", bash("other")))).toEqual([
      "DAG 'etl', task 'extract': task id 'extract' is used twice: it names task 1 already",
    ]);
    expect(builder.toDefinition()).toEqual(etl().toDefinition());
  });

  test("every problem of a task at once, with its path in the definition", () => {
    const add = (): unknown =>
      untyped(etl()).task("a.b", bash(""), {
        dependsOn: ["laod"],
        dependson: ["load"],
        depends_on: ["load"],
        retries: -1,
        timeout: "5 parsecs",
        retry: { initil: "1s" },
      });
    const allowed =
      "name, params, dependsOn, retries, retry, timeout, sla, queue, priority, critical, allowFailure, env, outputs, fanMode, edgeFilters, bindings, with";
    expect(refusal(add).map((line) => line.replace("DAG 'etl', task 'a.b': ", ""))).toEqual([
      `unknown field 'dependson'; did you mean 'dependsOn'? Allowed here: ${allowed}`,
      `unknown field 'depends_on'; did you mean 'dependsOn'? Allowed here: ${allowed}`,
      "unknown field 'initil'; did you mean 'initial'? Allowed here: backoff, initial, factor, max, jitter",
      "retries: must be a whole number from 0 to 1000, not -1",
      "timeout: '5 parsecs' is no duration; write it like 500ms, 30s, 5m, 1h30m, or as a number of seconds",
      "command: is missing; a task of type bash needs a command: a script",
      "task id 'a.b' is not allowed: use 1 to 128 of A-Z a-z 0-9 _ -",
      "unknown dependency 'laod': no task before it has this id",
    ]);
    expect(problemsOf(add).map(({ path }) => path)).toEqual([
      "tasks[2].dependson",
      "tasks[2].depends_on",
      "tasks[2].retry.initil",
      "tasks[2].retries",
      "tasks[2].timeout",
      "tasks[2].command",
      "tasks[2].id",
      "tasks[2].depends_on[0]",
    ]);
  });

  test("a field that what it runs does not have, with the others", () => {
    const work = { type: "bash", command: "true", timeout: "5m", bogus: 1, with: undefined, none: undefined };
    const add = (): unknown => untyped(etl()).task("a", work, { retries: -1 });
    const rest = "Allowed here: type, command, with; options of the task come behind it";
    expect(refusal(add).map((line) => line.replace("DAG 'etl', task 'a': ", ""))).toEqual([
      `what the task runs: unknown field 'timeout'. ${rest}`,
      `what the task runs: unknown field 'bogus'. ${rest}`,
      "retries: must be a whole number from 0 to 1000, not -1",
    ]);
    expect(problemsOf(add).map(({ path }) => path)).toEqual([
      "tasks[2].timeout",
      "tasks[2].bogus",
      "tasks[2].retries",
    ]);
  });

  test.each([
    [
      "a script as it is",
      ["a", "echo hi"],
      "must run bash(…), http(…), docker(…), fn(…) or { type, command }, not 'echo hi'",
    ],
    [
      "nothing to run",
      ["a"],
      "must run bash(…), http(…), docker(…), fn(…) or { type, command }, not undefined",
    ],
    ["a dependency as options", ["a", bash("x"), "load"], "options: must be a map, not 'load'"],
    [
      "a dependency without a list",
      ["a", bash("x"), { dependsOn: "load" }],
      "must be a list of task ids, not 'load'",
    ],
    ["no id", [undefined, bash("x")], "DAG 'etl', task undefined: id: is missing; it must be text"],
    ["what JSON cannot hold", ["a", bash("x"), { params: { at: new Date(0) } }], "must be text, a number"],
    ["a wrong request", ["a", http("FETCH http://a.b")], "method 'FETCH' is not one of GET, POST"],
  ])("without types: %s", (_name, args, message) => {
    expect(refusal(() => untyped(etl()).task(...args)).join("\n")).toContain(message);
  });

  test("a wrong name or option of the DAG", () => {
    expect(refusal(() => dag(""))).toEqual(["DAG '': name: must be 1 to 256 characters in one line, not ''"]);
    expect(refusal(() => dag("x", { maxParallel: 0, max_parallel: 1 } as DagOptions))).toEqual([
      "DAG 'x': unknown field 'max_parallel'; did you mean 'maxParallel'? Allowed here: description, tags, tenantId, params, inputs, defaults, onFailure, timeout, maxParallel, schedule, startDate, endDate, isPaused",
      "DAG 'x': max_parallel: must be a whole number from 1 to 1000000, not 0",
    ]);
  });

  test("100,000 tasks with ids made at run time", () => {
    const builder = dag("large");
    const id = (i: number): string => `t${i}`;
    for (let i = 0; i < 100_000; i++) {
      builder.task(id(i), bash("true"), i === 0 ? {} : { dependsOn: [id(i - 1)] });
    }
    expect(builder.toDefinition().tasks).toHaveLength(100_000);
  });
});

describe("an executor takes it", () => {
  const executor = new LocalExecutor();
  beforeAll(async () => {
    executor.registerFunction("load", (params) => ({ loaded: Number(params.extract__rows) }));
    await executor.start();
  });
  afterAll(() => executor.stop());

  const builder = dag("etl")
    .task("extract", bash("echo rows=42 > $JETDAG_OUTPUT_FILE"))
    .task("load", fn("load"), { dependsOn: ["extract"] });

  test.each([
    ["as it is", builder],
    ["as a definition", builder.toDefinition()],
    ["as the DAG that its YAML holds", parseDag(builder.toYAML())],
  ])("%s", async (_name, dag) => {
    const { state, tasks } = await executor.execute({ dag });
    expect([state, tasks.load?.output]).toEqual(["completed", { loaded: 42 }]);
  });

  test("and refuses one without tasks, or of a type that it does not know", async () => {
    await expect(executor.execute({ dag: dag("empty") })).rejects.toThrow("there is no task");
    const podman = dag("podman").task("a", { type: "podman" });
    await expect(executor.execute({ dag: podman })).rejects.toThrow("unknown type 'podman'");
  });
});
