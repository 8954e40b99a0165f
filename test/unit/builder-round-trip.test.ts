/** Is what a builder writes read as what was built, whatever it holds? */
import { expect, test } from "vitest";
import {
  type Dag,
  dag,
  type DagBuilder,
  type Duration,
  type JsonObject,
  type JsonValue,
  parseDag,
} from "../../cmd/library/jetdag.ts";
import type { Binding, Bindings } from "../../internal/core/bindings.ts";
import { type EdgeFilter, type FilterRule, OPERATORS } from "../../internal/core/edge-filter.ts";
import type { InputDeclarations } from "../../internal/core/input-form.ts";
import type { Task } from "../../internal/core/model.ts";
import { ensureDag } from "../../internal/spec/read.ts";
import { randomDag } from "../support/dags.ts";
import { SeededRandom } from "../support/random.ts";

test("what both texts hold is read as the DAG that was built, over generated DAGs", () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = new SeededRandom(seed);
    const source = richDag(random);
    const builder = rebuild(source, random);
    expect(parseDag(builder.toYAML()), `YAML, seed ${seed}`).toEqual(source);
    expect(parseDag(builder.toJSON()), `JSON, seed ${seed}`).toEqual(source);
    expect(ensureDag(builder), `definition, seed ${seed}`).toEqual(source);
  }
});

/** Texts that YAML and JSON have to be careful with. */
const TEXTS = [
  "plain",
  "yes",
  "null",
  "~",
  "0x1F",
  "1e3",
  "2020-01-01",
  "- a",
  "a: b # c",
  "<<",
  " blanks ",
  "two\nlines",
  "ends\n\n",
  "\n  begins",
  "\ttab",
  "cr\r\nlf",
  'it\'s "quoted" \\ ${x} {{ y }}',
  "nel\u0085 ls\u2028 bom\uFEFF nbsp\u00A0",
  "\u0001\u001B[31m",
  "snow ☃ and 🎉",
  "half \uD83C of a pair",
  "*alias &anchor !tag %directive @at `tick`",
  "x".repeat(300),
  "words ".repeat(60),
] as const;

function text(random: SeededRandom): string {
  return random.pick(TEXTS);
}

function value(random: SeededRandom, depth: number): JsonValue {
  const kind = random.below(depth > 0 ? 7 : 5);
  if (kind === 5) return Array.from({ length: random.below(4) }, () => value(random, depth - 1));
  if (kind === 6) return map(random, depth - 1);
  return [
    text(random),
    random.below(1_000) - 500,
    random.next() * 10 ** (random.below(60) - 30),
    null,
    random.chance(0.5),
  ][kind] as JsonValue;
}

function map(random: SeededRandom, depth: number): JsonObject {
  return Object.fromEntries(
    Array.from({ length: random.below(4) }, () => [text(random), value(random, depth)]),
  );
}

/** A DAG with every field at any value that it may have. */
function richDag(random: SeededRandom): Dag {
  const plain = randomDag(random, 1 + random.below(8));
  const some = <T extends object>(fields: () => T): Partial<T> => (random.chance(0.5) ? fields() : {});
  return {
    ...plain,
    ...some(() => ({ name: "Any name: of a DAG", description: text(random), tenantId: "acme" })),
    ...some(() => ({ timeoutMs: 1 + random.below(1e9), maxParallel: 1 + random.below(100) })),
    ...some(() => ({ params: map(random, 3) })),
    ...some(() => ({ inputs: inputs(random) })),
    tasks: plain.tasks.map((task) => ({
      ...task,
      ...some(() => ({ type: "bash", command: `echo ${text(random)}`, options: { shell: "sh" } })),
      ...some(() => ({ params: map(random, 3) })),
      ...some(() => ({ env: { A: text(random), B_b: "1" } })),
      ...some(() => ({ timeoutMs: 1 + random.below(1e9), queue: "gpu" })),
      ...some(() => dataOf(random, task.dependsOn)),
      ...some(() => ({ fanMode: random.pick(["single", "aggregate", "grouped"]) })),
      retry: { ...task.retry, initialMs: random.below(1e6), factor: random.next(), jitter: random.next() },
    })),
  };
}

/** None of their names is among the params, which may have defaults of their own. */
function inputs(random: SeededRandom): InputDeclarations {
  const said = { label: text(random), required: random.chance(0.5), default: value(random, 2) };
  return { first_input: said, "second: input": {} };
}

/** What a task says of the data of those that it depends on. */
function dataOf(
  random: SeededRandom,
  dependsOn: readonly string[],
): Pick<Task, "fanMode" | "edgeFilters" | "bindings"> {
  const rules = (): FilterRule[] => [
    {
      field: "a b",
      op: random.pick(OPERATORS),
      value: random.pick([text(random), -1.5, [text(random), ""]]),
    },
  ];
  const filters = dependsOn.map((id): [string, EdgeFilter] => [
    id,
    { rules: random.chance(0.5) ? rules() : [], ...(random.chance(0.5) ? { select: "largest" } : {}) },
  ]);
  const bindings = dependsOn.map((node): [string, Binding] => [
    `from: ${node}`,
    { source: "previous_node", node, key: text(random) },
  ]);
  const rest: Bindings = {
    "": { source: "runtime", default: value(random, 2), label: text(random) },
    b: { source: "config", value: text(random) },
    c: { source: "expression", expression: "{input.x | default(\\,)} \\{ plain" },
  };
  return {
    ...(filters.length === 0 ? {} : { edgeFilters: Object.fromEntries(filters), fanMode: "single" }),
    bindings: { ...Object.fromEntries(bindings), ...rest },
  };
}

/** The builder's calls that make a DAG; times are given as text or as numbers of seconds. */
function rebuild({ name, tasks, timeoutMs, ...options }: Dag, random: SeededRandom): DagBuilder<string> {
  const duration = (ms: number): Duration => (random.chance(0.5) ? `${ms}ms` : ms / 1_000);
  const time = (ms: number | undefined): { timeout?: Duration } =>
    ms === undefined ? {} : { timeout: duration(ms) };
  const builder = dag<string>(name, { ...options, ...time(timeoutMs) });
  for (const { id, type, command, timeoutMs, retry, options: own, ...more } of tasks) {
    const { initialMs, maxMs, ...rest } = retry;
    builder.task(
      id,
      { type, command },
      {
        ...more,
        with: own,
        ...time(timeoutMs),
        retry: { ...rest, initial: duration(initialMs), max: duration(maxMs) },
      },
    );
  }
  return builder;
}
