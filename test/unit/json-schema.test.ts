/** Do the JSON Schema that editors use and the reader of definitions judge alike? */
import { readdir, readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { isExpressed } from "../../internal/core/expressed.ts";
import { fieldsAt } from "../../internal/spec/field-names.ts";
import { jsonSchema } from "../../internal/spec/json-schema.ts";
import { TASK_OPTIONS } from "../../internal/spec/task-options.ts";
import { readDefinition } from "../../internal/spec/read.ts";
import { definition } from "../../internal/spec/schema.ts";

const ROOT = new URL("../../", import.meta.url);
// The patterns say what the formats say; editors show the formats.
const ajv = new Ajv({ strict: true, allowUnionTypes: true, validateFormats: false });
ajv.addKeyword("patternErrorMessage");
const validate = ajv.compile(jsonSchema());

function isRead(definition: unknown): boolean {
  try {
    readDefinition(definition);
    return true;
  } catch {
    return false;
  }
}

const RULES = [
  { field: "file_type", op: "eq", value: "video" },
  { field: "x", op: "gt", value: 1.5 },
  { field: "x", op: "not_in", value: ["a", ""] },
];

/** A value of each kind, and those that are nearly right. */
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 5, 9, 10, 1.5, 1000, 1001, 1_000_000, 1_000_001, 1e300],
  ...[
    "",
    " ",
    "a",
    "a b",
    "a,b",
    "ä",
    "a\nb",
    "x".repeat(64),
    "x".repeat(65),
    "x".repeat(129),
    "x".repeat(257),
  ],
  ...[
    "bash",
    "json",
    "rest",
    "perl",
    "stop",
    "none",
    "continue",
    "true",
    "UTC",
    "Europe/Berlin",
    "Mars/Olympus",
    "+01:00",
  ],
  ...["0", "0s", "90", "1.5s", "30s", " 30s ", "1h30m", "1m1h", "500ms", "-3s", "s", "5 parsecs", "1e3"],
  ...[
    "* * * * *",
    "0 9 * * 1-5",
    "* * * * * *",
    "* * * *",
    "* * * * * * *",
    "61 * * * *",
    "0 0 31 2 *",
    "@daily",
  ],
  ...["2026-01-31", "2026-02-30", "2024-02-29", "2026-1-31", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00"],
  ...["2026-01-31T08:00:00.5+02:00", "2026-01-31 08:00:00Z", "2026-01-31T24:00:00Z", "31.1.2026"],
  ...[[], ["a"], ["a", "a"], ["a b"], [""], [1], [null], [["a"]]],
  ...[
    {},
    { a: 1 },
    { expression: "{input.b}" },
    { expression: 5 },
    { a: { expression: "x" }, b: [{ expression: "" }, 1] },
    { a: "x", B: true },
    { a: null },
    { a: [1] },
    { "": 1 },
    { "A=B": "x" },
    { a: { b: [null] } },
  ],
  ...[{ cron: "0 9 * * *" }, { cron: "0 9 * * *", timezone: "UTC" }, { timezone: "UTC" }, { cron: 5 }],
  ...[
    { cron: "0 9 * * *", tz: "UTC" },
    { cron: "0 9 * * *", timezone: "Mars/Olympus" },
  ],
  ...[
    { backoff: "fixed", initial: 0, max: "1m", jitter: 0.5, factor: 0 },
    { backoff: "some" },
    { jitter: 2 },
  ],
  // Of data between tasks.
  ...["single", "grouped", { a: {} }, { b: {} }, { b: { select: "smallest" } }, { b: { select: "first" } }],
  ...[{ b: { rules: RULES } }, { b: { rules: [...RULES, { field: "x", op: "eq" }] } }],
  ...[
    { b: { rules: [{ field: "", op: "eq", value: 1 }] } },
    { b: { rules: [{ field: "x", op: "EQ", value: 1 }] } },
  ],
  ...[[true], [[1]], [null], [{}]].map(([value]) => ({ b: { rules: [{ field: "x", op: "in", value }] } })),
  ...[{ f: { source: "runtime" } }, { f: { source: "nowhere" } }, { f: { source: "config", value: "$KEY" } }],
  ...[
    { f: { source: "config", value: 5 } },
    { f: { source: "config", key: "x" } },
    { f: { source: "runtime", default: [1] } },
  ],
  ...[{ f: { source: "previous_node", node: "b", key: "x" } }, { f: { source: "previous_node", node: "b" } }],
  ...[
    { f: { source: "previous_node", node: "c", key: "x" } },
    { f: { source: "expression", expression: "x" } },
  ],
  ...[
    { x: { label: "X", required: true, placeholder: "y" } },
    { x: { default: null } },
    { x: { requird: true } },
  ],
  // Of containers.
  ...["/", "/a", "/a:b", "root", "1:2", "python:3", "Python", "bridge", "container:x", "missing", "all"],
  ...[["/a:/b"], ["a1:/b:ro"], ["/a:/b:z"], ["/a:/"], ["/a:/b", "/c:/b"], ["a:b"]],
  ...[{ "/a": 64 }, { "/a": 0 }, { "/": 1 }, { "/a/../b": 1 }, { "/jetdag": 1 }, { "jetdag.x": "y" }],
  ...[{ username: "a", password: "b" }, { username: "a", password: "b", token: "c" }, { username: "a" }],
  ...[[200], [99], { bearer: "x" }, { bearer: "x", basic: {} }],
  ...[[{ id: "a", command: "x" }], [{ id: "a.b", command: "x" }], [{ command: "x" }], [{ id: "a", x: 1 }]],
];

/** Lists of text that name no task of the definition. */
const OTHER_IDS = VALUES.filter(
  (each) =>
    Array.isArray(each) &&
    each.every((id) => typeof id === "string" && id !== "a") &&
    each.length > 0 &&
    new Set(each).size === each.length,
);

/** They take whatever JSON can hold. */
const TAKES_ALL = new Set(["http.with.json"]);

/** What the schema lets pass, since it knows each field by itself, and no cron texts or time zones. */
const BEYOND: Readonly<Record<string, readonly unknown[]>> = {
  "DAG.schedule": ["61 * * * *", "0 0 31 2 *", { cron: "0 9 * * *", timezone: "Mars/Olympus" }],
  "schedule.cron": ["61 * * * *", "0 0 31 2 *"],
  "schedule.timezone": VALUES.filter(
    (each) => typeof each === "string" && !/^(UTC|Europe\/Berlin)$/.test(each),
  ),
  "docker.with.volumes": [["/a:/b", "/c:/b"]],
  "docker.with.tmpfs": [{ "/": 1 }, { "/a/../b": 1 }, { "/jetdag": 1 }],
  // For an image, and together with it.
  "docker.with.auth": [{ username: "a", password: "b" }],
  // There is a command already.
  "bash.with.file": VALUES.filter((each) => typeof each === "string" && each !== ""),
  "http.with.method": VALUES.filter((each) => typeof each === "string" && each !== ""),
  "http.with.url": VALUES.filter((each) => (typeof each === "string" && each !== "") || isExpressed(each)),
  "task.id": ["a"],
  "task.command": ["", " "],
  // It depends on another.
  "task.edge_filters": [{ a: {} }],
  "task.bindings": [{ f: { source: "previous_node", node: "c", key: "x" } }],
  "task.depends_on": OTHER_IDS,
  "task.dependencies": OTHER_IDS,
};

type Fields = Record<string, unknown>;

interface Place {
  readonly name: string;
  readonly path: readonly (string | number)[];
  /** A definition with these fields at the place. */
  readonly make: (fields: Fields) => unknown;
}

/** Of every type: a script, and a request. */
const command = "GET http://localhost";
const tasks = [{ id: "first", command }];

const PLACES: readonly Place[] = [
  { name: "DAG", path: [], make: (fields) => ({ name: "x", tasks, ...fields }) },
  {
    name: "task",
    path: ["tasks", 0],
    make: (fields) => {
      // Options are judged by the type.
      const typed = "with" in fields ? { type: "function" } : {};
      const own = "workflow_ref" in fields ? {} : { command, ...typed };
      return {
        name: "x",
        tasks: [
          { id: "t", ...own, ...("dependencies" in fields ? {} : { depends_on: ["b"] }), ...fields },
          { id: "a", command },
          { id: "b", command },
        ],
      };
    },
  },
  { name: "defaults", path: ["defaults"], make: (defaults) => ({ name: "x", defaults, tasks }) },
  {
    name: "retry",
    path: ["tasks", 0, "retry"],
    make: (retry) => ({ name: "x", tasks: [{ id: "t", command, retry }] }),
  },
  {
    name: "defaults' retry",
    path: ["defaults", "retry"],
    make: (retry) => ({ name: "x", defaults: { retry }, tasks }),
  },
  {
    name: "schedule",
    path: ["schedule"],
    make: (fields) => ({ name: "x", schedule: { cron: "0 9 * * *", ...fields }, tasks }),
  },
];

const OPTIONS = Object.entries(TASK_OPTIONS).flatMap(([type, schema]) => {
  const make = (options: Fields): unknown => ({
    name: "x",
    tasks: [{ id: "t", type, command, with: options }],
  });
  return [...fieldsAt(schema, []), "unknown"].map((field) => [`${type}.with.${field}`, field, make] as const);
});

const CASES = PLACES.flatMap(({ name, path, make }) =>
  [...fieldsAt(definition, path), "unknown"].map((field) => [`${name}.${field}`, field, make] as const),
);

test.each([...CASES, ...OPTIONS])("%s: every value is judged alike", (place, field, make) => {
  const all = VALUES.map((value) => ({ value, definition: make({ [field]: value }) }));
  const differs = all.filter(({ definition }) => validate(definition) !== isRead(definition));
  expect(differs.map(({ value }) => value)).toEqual(BEYOND[place] ?? []);
  expect(differs.filter(({ definition }) => isRead(definition))).toEqual([]);
  const taken = all.filter(({ definition }) => validate(definition));
  expect(taken.length > 0).toBe(field !== "unknown");
  expect(taken.length < all.length).toBe(!TAKES_ALL.has(place));
});

test("a name or tasks that are missing are refused, and so is what is no map", () => {
  for (const each of [{ name: "x" }, { tasks }, { name: "x", tasks: [] }, [], "x", null]) {
    expect([each, validate(each), isRead(each)]).toEqual([each, false, false]);
  }
});

test("every example is valid by the schema, and names it by a path that leads there", async () => {
  const folder = new URL("examples/", ROOT);
  const yaml = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".yaml"));
  // That one is no definition: it has settings of the programs.
  const files = yaml.filter((file) => file !== "configuration.yaml");
  expect(files.length).toBeGreaterThan(8);
  const paths: string[] = [];
  for (const file of files) {
    const text = await readFile(new URL(file, folder), "utf8");
    const judge = file.startsWith("sensor/") ? ajv.compile(jsonSchema(["sensor"])) : validate;
    expect([file, judge(parse(text)), judge.errors]).toEqual([file, true, null]);
    const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1];
    if (named !== undefined) paths.push(new URL(named, new URL(file, folder)).href);
  }
  expect(new Set(paths)).toEqual(new Set([new URL("docs/dag.schema.json", ROOT).href]));
});

test("every field has a description", () => {
  const bare: string[] = [];
  const look = (schema: ReturnType<typeof jsonSchema>, path: string): void => {
    for (const [field, each] of Object.entries(schema.properties ?? {})) {
      if ((each.description ?? "").length < 10) bare.push(`${path}${field}`);
      for (const inner of [each, each.items ?? {}, ...(each.anyOf ?? [])]) look(inner, `${path}${field}.`);
    }
  };
  look(jsonSchema(), "");
  expect(bare).toEqual([]);
});
