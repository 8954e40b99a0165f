/** Bindings: what they see of artifacts, what of the input, and which of them are secrets. */
import { describe, expect, test } from "vitest";
import type { PlacedArtifact } from "../../internal/core/artifact.ts";
import {
  type Bindings,
  type ResolvedBindings,
  resolveBindings,
  secretOf,
} from "../../internal/core/bindings.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { Sources, type SourcesOptions } from "../../internal/core/sources.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

const patterns = linearPatterns();

function file(name: string, size: number | null, metadata: JsonObject = {}): PlacedArtifact {
  return { name, size, mimeType: null, metadata, path: `/in/${name}` };
}

type More = Partial<SourcesOptions> & { readonly config?: JsonObject };

function resolve(bindings: Bindings, { config = {}, ...more }: More = {}): ResolvedBindings {
  const sources = new Sources({ artifactsOf: () => [], input: {}, patterns, ...more });
  return resolveBindings(bindings, sources, { config, secret: (name) => `<${name}>` });
}

function valuesOf(bindings: Bindings, more?: More): JsonObject {
  const resolved = resolve(bindings, more);
  if ("problem" in resolved) throw new Error(resolved.problem.message);
  return resolved.values;
}

test("what comes to null is left out, all else is there, also where it is false or empty", () => {
  const input = { no: false, empty: "", none: null, zero: 0, list: [] };
  const runtime = { source: "runtime" } as const;
  const bindings = {
    no: runtime,
    empty: runtime,
    none: runtime,
    zero: runtime,
    list: runtime,
    missing: runtime,
  };
  expect(valuesOf(bindings, { input })).toEqual({ no: false, empty: "", zero: 0, list: [] });
});

test("a blank key is the name of the field, and a default keeps its kind", () => {
  const bindings: Bindings = {
    a: { source: "runtime", key: "" },
    b: { source: "runtime", key: "  ", default: 5 },
    c: { source: "runtime", key: "a", default: { x: [1] } },
    d: { source: "runtime", default: { x: [1] } },
  };
  expect(valuesOf(bindings, { input: { a: "A", "": "blank" } })).toEqual({
    a: "A",
    b: 5,
    c: "A",
    d: { x: [1] },
  });
});

test("fields with names of an object's own are fields like others", () => {
  const bindings = JSON.parse(
    '{ "__proto__": { "source": "config", "value": "x" }, "toString": { "source": "runtime" } }',
  ) as Bindings;
  const values = valuesOf(bindings);
  expect(Object.entries(values)).toEqual([["__proto__", "x"]]);
  expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
});

describe("artifacts", () => {
  const all: Readonly<Record<string, readonly PlacedArtifact[]>> = {
    load: [file("a.mp4", 5, { n: 1 }), file("b.srt", 9, { n: 2 }), file("c.mp4", 7, { n: 3 })],
  };
  const edgeFilters = {
    load: { rules: [{ field: "file_type", op: "eq", value: "video" }], select: "largest" },
  } as const;
  const bindings: Bindings = {
    path: { source: "previous_node", node: "load", key: "file_path" },
    size: { source: "previous_node", node: "load", key: "file_size" },
    text: { source: "expression", expression: "{load.n}-{load.file_name | stem}" },
  };

  test("those that the edge filter holds back are not seen, by expressions neither", () => {
    const artifactsOf = (task: string): readonly PlacedArtifact[] => all[task] ?? [];
    expect(valuesOf(bindings, { artifactsOf, edgeFilters })).toEqual({
      path: "/in/c.mp4",
      size: 7,
      text: "3-c",
    });
    expect(valuesOf(bindings, { artifactsOf })).toMatchObject({ size: [5, 9, 7] });
  });

  test("they are asked for once, however many bindings there are", () => {
    const asked: string[] = [];
    const artifactsOf = (task: string): readonly PlacedArtifact[] => {
      asked.push(task);
      return all[task] ?? [];
    };
    valuesOf(bindings, { artifactsOf, edgeFilters });
    expect(asked).toEqual(["load"]);
  });

  test("a record has no path, and its metadata like any other", () => {
    const artifactsOf = (): readonly PlacedArtifact[] => [{ ...file("", null, { n: 4 }), path: null }];
    expect(valuesOf(bindings, { artifactsOf })).toEqual({ text: "4-" });
  });
});

test("an expression that cannot be evaluated says so, with its field", () => {
  const bindings: Bindings = {
    fine: { source: "config", value: "x" },
    title: { source: "expression", expression: "{input.title | required}" },
  };
  expect(resolve(bindings)).toMatchObject({
    problem: { field: "title", kind: "required_missing", offset: 15 },
  });
});

describe("secrets", () => {
  test.each([
    ["$TOKEN", "TOKEN"],
    ["$_x.y-z", "_x.y-z"],
    ["$a", "a"],
  ])("%s is one", (value, name) => {
    expect(secretOf({ source: "config", value })).toBe(name);
    expect(valuesOf({ f: { source: "config", value } })).toEqual({ f: `<${name}>` });
  });

  test.each(["$", "$5.00", "$1", "$A B", "$A.", "x$A", " $A", "$$A", "${A}", "$-A"])(
    "%s is none",
    (value) => {
      expect(secretOf({ source: "config", value })).toBeUndefined();
      expect(valuesOf({ f: { source: "config", value } })).toEqual({ f: value });
    },
  );

  test("nowhere else", () => {
    const more = { input: { x: "$A" }, config: { x: "$A" } };
    const bindings: Bindings = {
      a: { source: "runtime", key: "x" },
      b: { source: "runtime", default: "$A" },
      c: { source: "expression", expression: "{input.x}{config.x}$A" },
    };
    expect(valuesOf(bindings, more)).toEqual({ a: "$A", b: "$A", c: "$A$A$A" });
    expect(Object.values(bindings).map(secretOf)).toEqual([undefined, undefined, undefined]);
  });
});
