/** Does a hostile expression end at once, with an error that says which limit it met? */
import { describe, expect, test } from "vitest";
import { evaluate, type Evaluated } from "../../internal/core/expression/evaluate.ts";
import { MAX_PATTERN, MAX_STEPS, MAX_TEXT } from "../../internal/core/expression/limits.ts";
import { parseExpression } from "../../internal/core/expression/parse.ts";
import type { JsonValue } from "../../internal/core/json.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

const MEGABYTE = 1_000_000;
const patterns = linearPatterns();

function run(text: string, x: JsonValue): Evaluated {
  const parsed = parseExpression(text);
  if ("problems" in parsed) throw new Error(`no expression: ${text.slice(0, 100)}`);
  return evaluate(parsed.expression, { input: () => x, config: () => x, nodes: () => x, patterns });
}

const failed = (kind: string, said: unknown): unknown => ({
  problem: {
    kind,
    offset: expect.any(Number) as number,
    message: expect.stringContaining(String(said)) as string,
  },
});

describe("texts that grow", () => {
  const many = (pipe: string, times = 40): string => `{a.x${` | ${pipe}`.repeat(times)}}`;

  test.each([
    ["an empty text replaced", many(`replace(,${"x".repeat(1_000)})`)],
    ["each character replaced", many(`replace(a,${"a".repeat(1_000)})`)],
    ["filled up", "{a.x | int | pad(99999999999)}"],
    ["appended", many(`append(${"x".repeat(60_000)})`, 1) + "{a.x}".repeat(20)],
    ["joined", `{a.x | replace(a,a\\,) | prepend(x) | append(y)${" | replace(\\,,\\,\\,)".repeat(40)}}`],
    ["encoded again and again", many("urlencode")],
    ["texts beside each other", "{a.x}".repeat(2_000)],
    ["a list of the same", `{list(${"a.x,".repeat(10_000)})}`],
    ["a list of the same in text", `t{list(${"a.x,".repeat(10_000)})}`],
  ])("%s", (_name, text) => {
    const value = `${"a".repeat(1_000)}%${"é".repeat(60_000)}`;
    expect(run(text, value)).toEqual(failed("value_too_long", MAX_TEXT));
  });

  test("a separator that is long, in a list that is", () => {
    const list = Array.from({ length: 100_000 }, () => "");
    expect(run(`{a.x | join(${"s".repeat(1_000)})}`, list)).toEqual(failed("value_too_long", MAX_TEXT));
  });

  test("what is large by itself passes, as it is", () => {
    const large = { text: "x".repeat(2 * MAX_TEXT) };
    expect(run("{a.x}", large)).toEqual({ value: large });
    expect(run("{a.x | first}", [large, 1])).toEqual({ value: large });
    expect(run("{a.x | upper}", large)).toEqual(failed("value_too_long", MAX_TEXT));
    expect(run("{a.x} ", large)).toEqual(failed("value_too_long", MAX_TEXT));
  });
});

test("lists and objects in each other without end", () => {
  const deep = `{"k": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  expect(run("{a.x | json_get(k)}", deep)).toEqual(failed("value_too_deep", 1_000));
  expect(run("<{a.x}>", JSON.parse(deep) as JsonValue)).toEqual(failed("value_too_deep", 1_000));
});

test("pipes without end", () => {
  const text = `{a.x${" | upper".repeat(8_000)}}`;
  expect(run(text, "x".repeat(MEGABYTE))).toEqual(failed("too_much_work", MAX_STEPS));
  expect(run(text, "x")).toEqual({ value: "X" });
});

describe("patterns made to run away", () => {
  const runaway = [
    "(a+)+$",
    "(a|a)*$",
    "(a|aa)+$",
    "((a*)*)*$",
    "(a+)+b",
    "([a-z]+)*=",
    "(.*)(.*)(.*)x",
    "^(([a-z])+.)+[A-Z]$",
    "a*a*a*a*b",
    "(?:(?:a?)?)?$",
  ];

  test.each(runaway)("%s in a megabyte", (pattern) => {
    const found = run(`{a.x | match(${pattern})}`, `${"a".repeat(MEGABYTE)}!`);
    expect(found).toSatisfy((each: Evaluated) => "value" in each || each.problem.kind === "too_much_work");
  });

  test("one that matches, in a megabyte", () => {
    const text = "a".repeat(MEGABYTE);
    expect(run("{a.x | match((a+)+$)}", text)).toEqual({ value: text });
    expect(run(String.raw`{a.x | match(\d+)}`, `${text}42`)).toEqual({ value: "42" });
  });

  test("a large pattern in a large text", () => {
    const pattern = "a?".repeat(480);
    expect(run(`{a.x | match(${pattern}b)}`, "a".repeat(MEGABYTE))).toEqual(
      failed("too_much_work", MAX_STEPS),
    );
    expect(run(`{a.x | match(${pattern})}`, "aaa")).toEqual({ value: "aaa" });
  });

  test("one that is too long", () => {
    const pattern = "x".repeat(MAX_PATTERN + 1);
    expect(run(`{a.x | match(${pattern})}`, "x")).toEqual(failed("pattern_too_long", MAX_PATTERN));
  });

  test("large ones again and again", () => {
    const text = Array.from(
      { length: 60 },
      (_, i) => `{a.x | match(${String.raw`\pL`.repeat(300)}${i})}`,
    ).join("");
    expect(run(text, "x")).toEqual(failed("too_much_work", MAX_STEPS));
  });

  // Braces cannot stand in an expression; whoever else hands in a pattern is not held up either.
  test.each(["(a{1,1000}){1,1000}", "((((a{10}){10}){10}){10}){10}", "a{999999999}", "(".repeat(5_000)])(
    "counts and nesting that are too much make no pattern: %s",
    (pattern) => {
      expect(patterns(pattern)).toBeUndefined();
    },
  );

  test("counts that are much make a large one", () => {
    expect(patterns("(?:a{0,30}){0,30}$")?.size).toBeGreaterThan(900);
  });
});
