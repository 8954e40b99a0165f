/** Defaults, tags, schedules and dates: read, refused with their places, and written back. */
import { describe, expect, test } from "vitest";
import type { Dag } from "../../internal/core/model.ts";
import { parseDag } from "../../internal/spec/parse.ts";
import { readDefinition } from "../../internal/spec/read.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";
import { readWritten, writeDefinition } from "../../internal/spec/write.ts";

const TASKS = "tasks: [{ id: a, command: x }]";

function problemsOf(text: string): string[] {
  try {
    parseDag(text, { file: "x.yaml" });
  } catch (error) {
    return (error as Error).message.split("\n");
  }
  return [];
}

describe("defaults", () => {
  const dag = parseDag(`
name: x
defaults:
  type: http
  params: { a: 1, b: { deep: true } }
  retries: 3
  retry: { backoff: fixed, initial: 5s, jitter: 0 }
  timeout: 10m
  sla: 1m
  queue: eu
  priority: 7
  critical: true
  allow_failure: true
  env: { MODE: full, REGION: eu }
tasks:
  - { id: plain, command: GET http://localhost }
  - id: own
    type: bash
    command: x
    params: { b: 2, c: 3 }
    retries: 0
    retry: { max: 1m }
    timeout: 1s
    sla: 2s
    queue: us
    priority: 1
    critical: false
    allow_failure: false
    env: { MODE: quick, MORE: 1 }
  - { id: call, workflow_ref: load }
`);

  test("count for a task that does not say it itself", () => {
    expect(dag.tasks[0]).toEqual({
      id: "plain",
      type: "http",
      command: "GET http://localhost",
      options: {},
      params: { a: 1, b: { deep: true } },
      dependsOn: [],
      retries: 3,
      retry: { backoff: "fixed", initialMs: 5_000, factor: 2, maxMs: 300_000, jitter: 0 },
      timeoutMs: 600_000,
      slaMs: 60_000,
      queue: "eu",
      priority: 7,
      critical: true,
      allowFailure: true,
      env: { MODE: "full", REGION: "eu" },
    });
  });

  test("a task's own value comes first, also where it is nothing; params and env go together by key", () => {
    expect(dag.tasks[1]).toEqual({
      id: "own",
      type: "bash",
      command: "x",
      options: {},
      params: { a: 1, b: 2, c: 3 },
      dependsOn: [],
      retries: 0,
      retry: { backoff: "exponential", initialMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.25 },
      timeoutMs: 1_000,
      slaMs: 2_000,
      queue: "us",
      priority: 1,
      critical: false,
      allowFailure: false,
      env: { MODE: "quick", REGION: "eu", MORE: "1" },
    });
  });

  test("a default type is not for a task that names a function", () => {
    expect(dag.tasks[2]).toMatchObject({ type: "function", command: "load", retries: 3 });
  });

  test("an own field that is undefined in code counts as left out", () => {
    const tasks = [{ id: "a", command: "x", retries: undefined, env: undefined }];
    const { tasks: read } = readDefinition({ name: "x", defaults: { retries: 2, env: { A: "1" } }, tasks });
    expect(read[0]).toMatchObject({ retries: 2, env: { A: "1" } });
  });

  test("a default of a type that a program adds", () => {
    const definition = { name: "x", defaults: { type: "sql" }, tasks: [{ id: "a", command: "SELECT 1" }] };
    expect(readDefinition(definition, { types: ["sql"] }).tasks[0]?.type).toBe("sql");
  });

  test("are gone from what is written: each task has them", () => {
    const written = writeDefinition(dag);
    expect(written).not.toHaveProperty("defaults");
    expect(written.tasks[0]).toMatchObject({ retries: 3, timeout: "10m", queue: "eu" });
    expect(readDefinition(written)).toEqual(dag);
  });
});

describe("schedule, dates, tags", () => {
  test.each([
    ["0 9 * * 1-5", { cron: "0 9 * * 1-5", timezone: "UTC" }],
    ["*/10 * * * * *", { cron: "*/10 * * * * *", timezone: "UTC" }],
    [
      { cron: "0 6 1,15 jan-mar mon", timezone: "Europe/Stockholm" },
      { cron: "0 6 1,15 jan-mar mon", timezone: "Europe/Stockholm" },
    ],
    [{ cron: "0 0 29 2 *" }, { cron: "0 0 29 2 *", timezone: "UTC" }],
  ])("%j is a schedule", (schedule, expected) => {
    const dag = readDefinition({ name: "x", schedule, tasks: [{ id: "a", command: "x" }] });
    expect(dag.schedule).toEqual(expected);
  });

  test.each([
    ["2026-01-01", "2026-01-01", undefined],
    ["2026-01-01T08:00:00Z", "2026-01-01T08:00:00Z", undefined],
    ["2026-01-01T08:00:00+02:00", "2026-01-01T06:30:00Z", undefined],
    // In Tokyo the second of January begins on the first, by UTC.
    ["2026-01-02", "2026-01-01T23:00:00Z", "Asia/Tokyo"],
    ["2026-01-01T23:00:00Z", "2026-01-02", "Asia/Tokyo"],
  ])("from %s to %s, in the zone %s", (start_date, end_date, timezone) => {
    const schedule = { cron: "0 0 * * *", ...(timezone === undefined ? {} : { timezone }) };
    const tasks = [{ id: "a", command: "x" }];
    const dag = readDefinition({ name: "x", schedule, start_date, end_date, tasks });
    expect(dag).toMatchObject({ startDate: start_date, endDate: end_date });
  });

  test("what is left out", () => {
    const dag = parseDag(`name: x\n${TASKS}`);
    expect(dag).toMatchObject({ tags: [], isPaused: false });
    for (const field of ["schedule", "startDate", "endDate"]) expect(dag).not.toHaveProperty(field);
  });

  test("every new field is written and read as the same, through JSON, checked or not", () => {
    const dag: Dag = parseDag(`
name: x
tags: [reports, team:sales, Küche]
schedule: { cron: "0 6 * * *", timezone: Europe/Stockholm }
start_date: 2026-01-01
end_date: 2026-12-31T12:00:00+01:00
is_paused: true
tasks: [{ id: a, name: The first one, command: x, sla: 1h30m }]
`);
    expect(dag).toMatchObject({ tags: ["reports", "team:sales", "Küche"], isPaused: true });
    expect(dag.tasks[0]).toMatchObject({ name: "The first one", slaMs: 5_400_000 });
    const written = JSON.parse(JSON.stringify(writeDefinition(dag))) as DagDefinition;
    expect(readDefinition(written)).toEqual(dag);
    expect(readWritten(written)).toEqual(dag);
  });

  test("a definition without them is stored as before", () => {
    expect(writeDefinition(parseDag(`name: x\n${TASKS}`))).toEqual({
      name: "x",
      tasks: [{ id: "a", type: "bash", command: "x" }],
    });
  });
});

describe("a bad file: every problem at once, with its place", () => {
  const cron =
    "write minute, hour, day, month and day of the week, like '0 9 * * 1-5'; a sixth field before them is the second";
  const date = "must be a date like 2026-01-31 or a time like 2026-01-31T08:00:00Z";
  test.each([
    [
      "all kinds together",
      `name: x
tags: [a, b c, a]
schedule: 61 * * * *
start_date: 2026-02-30
end_date: soon
is_paused: maybe
defaults:
  retries: many
  depend_on: [a]
  retry: { backof: fixed, initial: 5 parsecs }
  queue: a b
  type: perl
tasks:
  - { id: a, command: x, sla: 0 }
  - { id: b, command: x, depends_on: [c] }
`,
      [
        "x.yaml:2:11: tags[1]: must be 1 to 64 characters without blanks and commas, not 'b c'",
        "x.yaml:2:16: tags[2]: 'a' is named twice",
        `x.yaml:3:11: schedule: '61 * * * *' is no cron text: Invalid value for minute: 61; ${cron}`,
        `x.yaml:4:13: start_date: ${date}, not '2026-02-30'`,
        `x.yaml:5:11: end_date: ${date}, not 'soon'`,
        "x.yaml:6:12: is_paused: must be true or false, not 'maybe'",
        "x.yaml:8:12: retries: must be a whole number from 0 to 1000, not 'many'",
        "x.yaml:9:3: unknown field 'depend_on'. Allowed here: type, params, retries, retry, timeout, sla, queue, priority, critical, allow_failure, env",
        "x.yaml:10:12: unknown field 'backof'; did you mean 'backoff'? Allowed here: backoff, initial, factor, max, jitter",
        "x.yaml:10:36: initial: '5 parsecs' is no duration; write it like 500ms, 30s, 5m, 1h30m, or as a number of seconds",
        "x.yaml:11:10: queue: must be 1 to 128 of A-Z a-z 0-9 _ -, not 'a b'",
        "x.yaml:12:9: type: unknown type 'perl'; use one of bash, shell, http, rest, function, go, golang, docker, python, py, gate; a plug-in's type has to be named in 'types'",
        "x.yaml:14:31: sla: must be longer than 0; write it like 500ms, 30s, 5m, 1h30m, or as a number of seconds",
        "x.yaml:15:39: unknown dependency 'c': no task has this id",
      ],
    ],
    [
      "a schedule as a map, with a wrong field and a wrong zone",
      `name: x\nschedule:\n  cron: 0 9 * *\n  timezone: Europe/Berln\n  timzone: UTC\n${TASKS}`,
      [
        `x.yaml:3:9: cron: '0 9 * *' is no cron text: it does not have five or six fields; ${cron}`,
        "x.yaml:4:13: timezone: 'Europe/Berln' is no time zone; did you mean 'Europe/Berlin'?",
        "x.yaml:5:3: unknown field 'timzone'; did you mean 'timezone'? Allowed here: cron, timezone",
      ],
    ],
    [
      "a schedule without its cron text",
      `name: x\nschedule: { timezone: UTC }\n${TASKS}`,
      ["x.yaml:2:11: cron: is missing; it must be a cron text"],
    ],
    [
      "a schedule of another kind",
      `name: x\nschedule: [daily]\n${TASKS}`,
      ['x.yaml:2:11: schedule: must be a cron text, or a map with cron and timezone, not ["daily"]'],
    ],
    [
      "a name instead of a cron text",
      `name: x\nschedule: "@daily"\n${TASKS}`,
      [`x.yaml:2:11: schedule: '@daily' is no cron text: it does not have five or six fields; ${cron}`],
    ],
    [
      "a day that never comes",
      `name: x\nschedule: 0 0 31 2 *\n${TASKS}`,
      [`x.yaml:2:11: schedule: '0 0 31 2 *' is no cron text: no day fits it; ${cron}`],
    ],
    [
      "an offset as a time zone",
      `name: x\nschedule: { cron: 0 0 * * *, timezone: "+01:00" }\n${TASKS}`,
      ["x.yaml:2:40: timezone: '+01:00' is no time zone; use an IANA name, like UTC or Europe/Berlin"],
    ],
    [
      "a cron text without quotes",
      `name: x\nschedule: */5 * * * *\n${TASKS}`,
      ["x.yaml:2:15: not valid YAML: a value that begins with * must be in quotes"],
    ],
    [
      "a cron text of stars without quotes",
      `name: x\nschedule: * * * * *\n${TASKS}`,
      ["x.yaml:2:12: not valid YAML: a value that begins with * must be in quotes"],
    ],
    [
      "an end before the start",
      `name: x\nstart_date: 2026-02-01\nend_date: 2026-01-31\n${TASKS}`,
      ["x.yaml:3:11: end_date: 2026-01-31 is before start_date, 2026-02-01"],
    ],
    [
      "an end before the start by minutes, and a wrong task",
      `name: x\nstart_date: 2026-01-01T08:00:00+02:00\nend_date: 2026-01-01T05:59:00Z\ntasks: [{ id: a }]`,
      [
        "x.yaml:3:11: end_date: 2026-01-01T05:59:00Z is before start_date, 2026-01-01T08:00:00+02:00",
        "x.yaml:4:9: command: is missing; a task of type bash needs a command: a script",
      ],
    ],
    [
      "an end before the start in its time zone",
      `name: x\nschedule: { cron: 0 0 * * *, timezone: America/New_York }\nstart_date: 2026-01-02\nend_date: 2026-01-02T03:00:00Z\n${TASKS}`,
      ["x.yaml:4:11: end_date: 2026-01-02T03:00:00Z is before start_date, 2026-01-02"],
    ],
    [
      "a time without its offset",
      `name: x\nstart_date: 2026-01-31T08:00:00\n${TASKS}`,
      [`x.yaml:2:13: start_date: ${date}, not '2026-01-31T08:00:00'`],
    ],
    [
      "defaults that are no map",
      `name: x\ndefaults: [retries]\n${TASKS}`,
      ['x.yaml:2:11: defaults: must be a map of fields that tasks have, not ["retries"]'],
    ],
    [
      "defaults that only one task can have",
      `name: x\ndefaults: { id: a, command: x }\n${TASKS}`,
      ["id", "command"].map(
        (field, i) =>
          `x.yaml:2:${i === 0 ? 13 : 20}: unknown field '${field}'. Allowed here: type, params, retries, retry, timeout, sla, queue, priority, critical, allow_failure, env`,
      ),
    ],
    [
      "a tag that is there twice",
      `name: x\ntags: [a, b, a]\n${TASKS}`,
      ["x.yaml:2:14: tags[2]: 'a' is named twice"],
    ],
    [
      "tags as text",
      `name: x\ntags: a, b\n${TASKS}`,
      ["x.yaml:2:7: tags: must be a list of names, not 'a, b'"],
    ],
  ])("%s", (_name, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test("a default is judged once, however many tasks there are", () => {
    const tasks = Array.from({ length: 50 }, (_, i) => `{ id: t${i}, command: x }`).join(", ");
    expect(problemsOf(`name: x\ndefaults: { type: perl, queue: "?" }\ntasks: [${tasks}]`)).toHaveLength(2);
  });

  test("defaults that would fill the memory with copies of themselves", () => {
    const params = { text: "x".repeat(100_000) };
    const tasks = Array.from({ length: 1_000 }, (_, i) => ({ id: `t${i}`, command: "x" }));
    expect(() => readDefinition({ name: "x", defaults: { params }, tasks })).toThrow(
      "defaults: defaults: with params and env in each of 1000 tasks the definition has 95 MiB; at most 64 are allowed. What all tasks share can be the DAG's params",
    );
    expect(readDefinition({ name: "x", params, tasks }).tasks).toHaveLength(1_000);
  });

  test("an environment that is too large only together with the defaults'", () => {
    const half = "x".repeat(80_000);
    const tasks = [{ id: "a", command: "x", env: { OWN: half } }];
    expect(readDefinition({ name: "x", tasks }).tasks).toHaveLength(1);
    expect(() => readDefinition({ name: "x", defaults: { env: { ALL: half } }, tasks })).toThrow(
      "tasks[0].env: env: together with the defaults' it has more than 131071 bytes; use a file",
    );
  });
});
