/** The form of a DAG, what its runs begin with, and whether the form's JSON Schema judges as the start of a run does. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import type { Binding } from "../../internal/core/bindings.ts";
import { formOf, inputOf } from "../../internal/core/dag-form.ts";
import { formSchema } from "../../internal/core/form-schema.ts";
import type { InputDeclarations } from "../../internal/core/input-form.ts";
import type { JsonObject, JsonValue } from "../../internal/core/json.ts";
import type { Dag } from "../../internal/core/model.ts";
import { dag, task } from "../support/dags.ts";
import { SeededRandom } from "../support/random.ts";

function asking(
  params: JsonObject,
  inputs: InputDeclarations,
  ...bindings: readonly Record<string, Binding>[]
): Dag {
  return dag(
    bindings.map((each, i) => task(`t${i}`, { bindings: each })),
    { params, inputs },
  );
}

describe("the form", () => {
  test("has what is declared, what bindings take, what expressions name, and the other params", () => {
    const of = asking(
      { limit: 100, day: "today", prefix: "" },
      {
        url: { label: "URL", required: true, placeholder: "https://", description: "Where from" },
        limit: { label: "At most" },
      },
      {
        f: { source: "expression", expression: "{input.year}{input.url}" },
        g: { source: "runtime", key: "day" },
      },
      { h: { source: "runtime", label: "Target", default: 5 }, c: { source: "config", value: "x" } },
    );
    expect(formOf(of)).toEqual([
      { name: "url", label: "URL", required: true, placeholder: "https://", description: "Where from" },
      { name: "limit", label: "At most", required: false, default: 100 },
      { name: "day", label: "G", required: false, default: "today" },
      { name: "h", label: "Target", required: false, default: 5 },
      { name: "year", label: "Year", required: false },
      { name: "prefix", label: "Prefix", required: false },
    ]);
  });

  test("of a DAG that asks for nothing has nothing", () => {
    expect(formOf(dag([task("a")]))).toEqual([]);
    expect(formSchema({ name: "x" }, [])).toEqual({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "x",
      type: "object",
      properties: {},
    });
  });
});

describe("a run begins", () => {
  test("with what is given, as it is, where nothing is asked for", () => {
    const of = dag([task("a")], { params: { a: 1, b: 2, c: 3 } });
    expect(inputOf(of, { a: null, b: "", d: "", e: 0 })).toEqual({
      input: { a: null, b: "", c: 3, d: "", e: 0 },
      missing: [],
    });
    expect(inputOf(of)).toEqual({ input: { a: 1, b: 2, c: 3 }, missing: [] });
  });

  test("without what was asked for and is given blank; other params are taken blank", () => {
    const of = asking({ a: 1, plain: "p" }, { a: {}, b: { default: "x" }, c: {} });
    expect(inputOf(of, { a: null, b: "", c: null, plain: "", extra: null })).toEqual({
      input: { a: 1, b: "x", plain: "", extra: null },
      missing: [],
    });
  });

  test("not, where something required is blank: all of it is told", () => {
    const of = asking(
      { c: "" },
      { a: { required: true }, b: { required: true, default: "b" }, c: { required: true, label: "The C" } },
      { f: { source: "runtime", required: true } },
    );
    expect(inputOf(of, { a: "" }).missing.map(({ label }) => label)).toEqual(["A", "The C", "F"]);
    expect(inputOf(of, { a: 0, c: false, f: [] })).toEqual({
      input: { a: 0, b: "b", c: false, f: [] },
      missing: [],
    });
  });

  test("also with names that objects have of their own", () => {
    const given = JSON.parse('{ "__proto__": { "x": 1 }, "toString": "" }') as JsonObject;
    const { input, missing } = inputOf(asking({}, { toString: { required: true } }), given);
    expect(Object.entries(input)).toEqual([["__proto__", { x: 1 }]]);
    expect(missing.map(({ name }) => name)).toEqual(["toString"]);
  });
});

const NAMES = ["a", "b", "c", "d"];
const VALUES: readonly JsonValue[] = ["", null, "x", 0, 1, false, true, [], {}];

function some(random: SeededRandom, values: readonly JsonValue[]): JsonObject {
  return Object.fromEntries(
    NAMES.filter(() => random.chance(0.5)).map((name) => [name, random.pick(values)]),
  );
}

function declarations(random: SeededRandom): InputDeclarations {
  const entries = NAMES.filter(() => random.chance(0.6)).map((name) => {
    const preset = random.chance(0.4) ? { default: random.pick(VALUES) } : {};
    return [name, { required: random.chance(0.5), ...preset }];
  });
  return Object.fromEntries(entries) as InputDeclarations;
}

test("every value of a run is the last of those given, defaults and presets that counts, over generated forms", () => {
  for (let seed = 0; seed < 1_000; seed++) {
    const random = new SeededRandom(seed);
    const [inputs, params, given] = [declarations(random), some(random, VALUES), some(random, VALUES)];
    const { input, missing } = inputOf(asking(params, inputs), given);
    for (const name of NAMES) {
      const isBlank = (value: JsonValue | undefined): boolean =>
        value === undefined || value === null || value === "";
      const asked = inputs[name];
      const preset = isBlank(asked?.default) ? undefined : asked?.default;
      const counts = asked === undefined ? given[name] !== undefined : !isBlank(given[name]);
      const expected = counts ? given[name] : params[name] === undefined ? preset : params[name];
      expect(input[name], `${name}, seed ${seed}`).toEqual(expected);
      expect(missing.some((field) => field.name === name)).toBe(
        asked?.required === true && isBlank(expected),
      );
    }
  }
});

test("the JSON Schema takes just what a run begins with, over generated forms of text", () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
  const texts = ["", "x", "y"];
  let refused = 0;
  for (let seed = 0; seed < 200; seed++) {
    const random = new SeededRandom(seed);
    const inputs = Object.fromEntries(
      Object.entries(declarations(random)).map(([name, said]) => [
        name,
        said.default === undefined ? said : { ...said, default: random.pick(texts) },
      ]),
    );
    const of = asking({}, inputs);
    const validate = ajv.compile(formSchema(of, formOf(of)));
    for (let i = 0; i < 10; i++) {
      const given = some(random, texts);
      const isComplete = inputOf(of, given).missing.length === 0;
      expect([seed, given, validate(given)]).toEqual([seed, given, isComplete]);
      if (!isComplete) refused++;
    }
  }
  expect(refused).toBeGreaterThan(200);
});

test("a default says the kind of its property", () => {
  const of = asking({ n: 5, t: "x", f: false, l: [1], o: { a: 1 } }, { e: { placeholder: "such" } });
  expect(formSchema({ name: "d", description: "about" }, formOf(of))).toMatchObject({
    title: "d",
    description: "about",
    properties: {
      e: { title: "E", examples: ["such"] },
      n: { type: "number", default: 5 },
      t: { type: "string" },
      f: { type: "boolean" },
      l: { type: "array" },
      o: { type: "object" },
    },
  });
});
