/** Definitions written as a program: what they hold, and what is refused when a task is added. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bash,
  dag,
  type DagBuilder,
  type DagOptions,
  DefinitionError,
  docker,
  fn,
  http,
  type HttpRequest,
  type JsonObject,
  LocalExecutor,
  parseDag,
} from "../../cmd/library/jetdag.ts";

function etl(): DagBuilder<"extract" | "load"> {
  return dag("etl")
    .task("extract", bash("./extract.sh"))
    .task("load", fn("load"), { dependsOn: ["extract"] });
}

/** What is wrong with a task or a DAG that is refused; nothing when it is taken. */
function problemsOf(act: () => unknown): DefinitionError["problems"] {
  try {
    act();
  } catch (error) {
    if (error instanceof DefinitionError) return error.problems;
    throw error;
  }
  return [];
}

/** The same as a person reads it. */
function refusal(act: () => unknown): string[] {
  const problems = problemsOf(act);
  return problems.length === 0 ? [] : new DefinitionError(problems).message.split("\n");
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

describe("what a task runs", () => {
  test.each([
    [bash("echo"), { type: "bash", command: "echo" }],
    [http("GET https://a.b/c"), { type: "http", command: "GET https://a.b/c" }],
    [http("GET", "https://a.b/c"), { type: "http", command: "GET https://a.b/c" }],
    [
      http("POST", new URL("https://a.b/c d"), "as it is"),
      { type: "http", command: "POST https://a.b/c%20d as it is" },
    ],
    [http("PUT", "https://a.b", { x: ["y z"] }), { type: "http", command: 'PUT https://a.b {"x":["y z"]}' }],
    [
      http({
        url: new URL("https://a.b/c d"),
        json: { snake_case: 1 },
        expectStatus: ["2xx"],
        maxRedirects: 0,
      }),
      {
        type: "http",
        with: {
          url: "https://a.b/c%20d",
          json: { snake_case: 1 },
          expect_status: ["2xx"],
          max_redirects: 0,
        },
      },
    ],
    [http("PUT", "https://a.b", null), { type: "http", command: "PUT https://a.b null" }],
    [fn("load"), { type: "function", command: "load" }],
    [docker("python job.py"), { type: "docker", command: "python job.py" }],
    [
      docker("", {
        image: "team/job:1",
        memoryMb: 512,
        readOnly: true,
        tmpfs: { "/tmp": 64 },
        labels: { someTeam: "a" },
        auth: { username: "u", password: "secret://PW" },
        gpus: ["0"],
      }),
      {
        type: "docker",
        with: {
          image: "team/job:1",
          memory_mb: 512,
          read_only: true,
          tmpfs: { "/tmp": 64 },
          labels: { someTeam: "a" },
          auth: { username: "u", password: "secret://PW" },
          gpus: ["0"],
        },
      },
    ],
  ])("%j", (work, expected) => {
    expect(work).toEqual(expected);
  });

  test("what would be read as something else is refused", () => {
    expect(() => http("GET", "https://a.b/c d")).toThrow("'https://a.b/c d' has a blank in it");
    expect(() => http("GET https://a.b", "https://c.d")).toThrow("'GET https://a.b' has a blank in it");
    expect(() => fn("")).toThrow("the name of the function is empty");
    const unknown = { url: "https://a.b", expect_status: [200] } as HttpRequest;
    expect(() => http(unknown)).toThrow(
      "http: unknown field 'expect_status'; did you mean 'expectStatus'? Allowed here: method, url, ",
    );
  });

  test("an option of a container that there is not is refused, and its values are judged with the task", () => {
    expect(() => docker("x", { memory_mb: 1 } as object)).toThrow(
      "docker: unknown field 'memory_mb'; did you mean 'memoryMb'?",
    );
    expect(refusal(() => dag("x").task("a", docker("x", { memoryMb: 1 })))).toEqual([
      expect.stringMatching(/^DAG 'x', task 'a': memory_mb: must be a whole number from 6 to/) as string,
    ]);
    expect(refusal(() => dag("x").task("a", docker("")))).toHaveLength(1);
    const [task] = parseDag(
      dag("x")
        .task("a", docker("y", { cpuQuota: 50 }))
        .toYAML(),
      { file: "f" },
    ).tasks;
    expect(task).toMatchObject({ type: "docker", queue: "docker", command: "y", options: { cpu_quota: 50 } });
  });

  test("options of a type stand in one place, and are judged with the task", () => {
    const request = http({ url: "https://a.b", maxRedirects: 99 });
    expect(refusal(() => dag("x").task("a", request))).toEqual([
      "DAG 'x', task 'a': max_redirects: must be a whole number from 0 to 20, not 99",
    ]);
    const twice = { with: { max_redirects: 1 } };
    expect(refusal(() => dag("x").task("a", http({ url: "https://a.b" }), twice))).toEqual([
      "DAG 'x', task 'a': with: what the task runs has its options already; give them there",
    ]);
    const once = dag("x").task("a", http("GET https://a.b"), twice);
    expect(once.toDefinition().tasks).toMatchObject([{ command: "GET https://a.b", ...twice }]);
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
      "name, params, dependsOn, retries, retry, timeout, sla, queue, priority, critical, allowFailure, env, with";
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
      "DAG 'x': unknown field 'max_parallel'; did you mean 'maxParallel'? Allowed here: description, tags, tenantId, params, defaults, onFailure, timeout, maxParallel, schedule, startDate, endDate, isPaused",
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
