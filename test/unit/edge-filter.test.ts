/** What holds of every edge filter, over generated filters and artifacts, and what a large one costs. */
import { expect, test } from "vitest";
import type { Artifact } from "../../internal/core/artifact.ts";
import {
  compileFilter,
  type EdgeFilter,
  type FilterRule,
  isActive,
  OPERATORS,
} from "../../internal/core/edge-filter.ts";
import type { JsonValue } from "../../internal/core/json.ts";
import { SeededRandom } from "../support/random.ts";

const FIELDS = ["file_type", "extension", "file_size", "file_name", "mime_type", "k", "n", "toString"];
const TEXTS = ["", "a", "A", "5", "5.0", " 5 ", "1e1", "inf", "nan", "true", "False", "video", ".mp4", "[1]"];
const NAMES = ["a.mp4", "A.SRT", "b.tar.gz", "noext", ".dot", "d.mp4/x", ""];

function value(random: SeededRandom): JsonValue {
  const simple: readonly JsonValue[] = [...TEXTS, null, true, false, 0, 5, -1.5, 1e300];
  return random.chance(0.2) ? [random.pick(simple)] : random.pick(simple);
}

function artifact(random: SeededRandom, position: number): Artifact {
  return {
    id: `a${position}`,
    name: random.pick(NAMES),
    size: random.pick([null, 0, 5, 5, 10, 1_000]),
    mimeType: random.pick([null, "video/mp4", "image/png", "text/plain"]),
    metadata: random.chance(0.3) ? {} : { k: value(random), n: value(random) },
    origin: null,
    producedBy: "t",
  };
}

function rule(random: SeededRandom): FilterRule {
  const values: readonly FilterRule["value"][] = [5, 0, -1.5, ...TEXTS, [], ["5", "a"], TEXTS];
  return { field: random.pick(FIELDS), op: random.pick(OPERATORS), value: random.pick(values) };
}

function rules(random: SeededRandom, most: number): FilterRule[] {
  return Array.from({ length: random.below(most + 1) }, () => rule(random));
}

function overSeeds(check: (random: SeededRandom, artifacts: readonly Artifact[]) => void): void {
  for (let seed = 0; seed < 1_000; seed++) {
    const random = new SeededRandom(seed);
    const artifacts = Array.from({ length: random.below(12) }, (_, i) => artifact(random, i));
    check(random, artifacts);
  }
}

const kept = (filter: EdgeFilter, artifacts: readonly Artifact[]): readonly Artifact[] =>
  compileFilter(filter)(artifacts);

test("what is kept are some of those given, in their order", () => {
  overSeeds((random, artifacts) => {
    const passed = kept({ rules: rules(random, 3) }, artifacts);
    expect(artifacts.filter((each) => passed.includes(each))).toEqual(passed);
  });
});

test("rules hold together as they hold alone, in any order, and each once more changes nothing", () => {
  overSeeds((random, artifacts) => {
    const all = rules(random, 4);
    const passed = kept({ rules: all }, artifacts);
    expect(kept({ rules: all.toReversed() }, artifacts)).toEqual(passed);
    expect(all.reduce((left, each) => kept({ rules: [each] }, left), artifacts)).toEqual(passed);
    expect(kept({ rules: all }, passed)).toEqual(passed);
  });
});

test("each artifact is judged by itself", () => {
  overSeeds((random, artifacts) => {
    const filter = { rules: rules(random, 3) };
    expect(kept(filter, artifacts)).toEqual(artifacts.flatMap((each) => kept(filter, [each])));
  });
});

test("an operator and its opposite divide the artifacts between them", () => {
  const opposites = [
    ["eq", "neq"],
    ["in", "not_in"],
    ["contains", "not_contains"],
    ["exists", "not_exists"],
  ] as const;
  overSeeds((random, artifacts) => {
    const { field, value } = rule(random);
    for (const [op, opposite] of opposites) {
      const [some, others] = [op, opposite].map((each) =>
        kept({ rules: [{ field, op: each, value }] }, artifacts),
      );
      expect(artifacts.filter((each) => some?.includes(each) !== others?.includes(each))).toEqual(artifacts);
    }
  });
});

test("of sizes one of lt, eq and gt holds, and lte and gte are two of them", () => {
  overSeeds((random, artifacts) => {
    const value = random.pick([5, 0, -1.5, 10, "5", " 1e1 "]);
    const by = (op: FilterRule["op"]): readonly Artifact[] =>
      kept({ rules: [{ field: "file_size", op, value }] }, artifacts);
    const sized = (holds: (size: number) => boolean): readonly Artifact[] =>
      artifacts.filter(({ size }) => size !== null && holds(size));
    expect(by("lt")).toEqual(sized((size) => size < Number(value)));
    expect(by("gt")).toEqual(sized((size) => size > Number(value)));
    expect(by("lte")).toEqual(sized((size) => size <= Number(value)));
    expect(by("gte")).toEqual(sized((size) => size >= Number(value)));
    expect([...by("lt"), ...by("eq"), ...by("gt")]).toHaveLength(sized(() => true).length);
  });
});

test("names are looked at as they stand", () => {
  overSeeds((random, artifacts) => {
    const value = random.pick([...NAMES, "b", ".", "MP4", ".gz", "tar"]);
    const by = (op: FilterRule["op"]): readonly Artifact[] =>
      kept({ rules: [{ field: "file_name", op, value }] }, artifacts);
    expect(by("contains")).toEqual(artifacts.filter(({ name }) => name.includes(value)));
    expect(by("starts_with")).toEqual(artifacts.filter(({ name }) => name.startsWith(value)));
    expect(by("ends_with")).toEqual(artifacts.filter(({ name }) => name.endsWith(value)));
    expect(by("exists")).toEqual(artifacts.filter(({ name }) => name !== ""));
  });
});

test("in holds where eq does for one of the list", () => {
  overSeeds((random, artifacts) => {
    const { field } = rule(random);
    const list = Array.from({ length: random.below(4) }, () => random.pick(TEXTS));
    const any = new Set(list.flatMap((value) => kept({ rules: [{ field, op: "eq", value }] }, artifacts)));
    expect(kept({ rules: [{ field, op: "in", value: list }] }, artifacts)).toEqual(
      artifacts.filter((each) => any.has(each)),
    );
  });
});

test("select gives at most one of those that pass, the first of the best, and is asked for again in vain", () => {
  overSeeds((random, artifacts) => {
    const some = rules(random, 1);
    const sized = kept({ rules: some }, artifacts).filter(({ size }) => size !== null);
    for (const select of ["largest", "smallest"] as const) {
      const chosen = kept({ rules: some, select }, artifacts);
      const sizes = sized.map(({ size }) => size ?? 0);
      const best = select === "largest" ? Math.max(...sizes) : Math.min(...sizes);
      expect(chosen).toEqual(sized.filter(({ size }) => size === best).slice(0, 1));
      expect(kept({ rules: some, select }, chosen)).toEqual(chosen);
    }
  });
});

test("a filter that says nothing keeps all, and is not active", () => {
  overSeeds((_random, artifacts) => expect(kept({ rules: [] }, artifacts)).toEqual(artifacts));
  expect(isActive({ rules: [] })).toBe(false);
  expect(isActive({ rules: [], select: "largest" })).toBe(true);
  expect(isActive({ rules: [{ field: "k", op: "exists", value: "" }] })).toBe(true);
});

test("a list of 100,000 is looked through once for an edge, not for each of 100,000 artifacts", () => {
  const list = Array.from({ length: 100_000 }, (_, i) => `name-${i}`);
  let read = 0;
  const counted = new Proxy(list, {
    get: (target, key, receiver) => {
      if (typeof key === "string" && /^\d+$/.test(key)) read++;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  const filter = compileFilter({ rules: [{ field: "file_name", op: "in", value: counted }] });
  const random = new SeededRandom(1);
  const artifacts = Array.from({ length: 100_000 }, (_, i) => ({
    ...artifact(random, i),
    name: `name-${i * 2}`,
  }));
  expect(filter(artifacts)).toHaveLength(50_000);
  expect(read).toBeLessThanOrEqual(200_000);
});
