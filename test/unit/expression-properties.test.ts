/** What must be true of any expression, and of any values. */
import { expect, test } from "vitest";
import { problemsOfExpression, references } from "../../internal/core/expression/check.ts";
import { evaluate, type EvaluationContext } from "../../internal/core/expression/evaluate.ts";
import { parseExpression } from "../../internal/core/expression/parse.ts";
import type { ProblemKind } from "../../internal/core/expression/problem.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";
import { anyExpression, anyText, anyValue, escaped, soundExpression } from "../support/expressions.ts";
import { SeededRandom } from "../support/random.ts";

const TIMES = 4_000;
const patterns = linearPatterns();

/** What only the values can bring about. */
const OF_VALUES: ReadonlySet<string> = new Set<ProblemKind>([
  "required_missing",
  "value_too_long",
  "too_much_work",
]);

function contextOf(random: SeededRandom): EvaluationContext {
  const read = (): ReturnType<typeof anyValue> | undefined =>
    random.chance(0.1) ? undefined : anyValue(random);
  return { input: read, config: read, nodes: read, patterns };
}

function* seeds(): Generator<[seed: number, random: SeededRandom]> {
  for (let seed = 1; seed <= TIMES; seed++) yield [seed, new SeededRandom(seed)];
}

test("whatever the text, it is read; problems lie within it, the first is why it cannot be evaluated", () => {
  let sound = 0;
  for (const [seed, random] of seeds()) {
    const text = anyExpression(random);
    const problems = problemsOfExpression(text);
    const isWithin = problems.every(({ offset }) => offset >= 0 && offset <= text.length);
    expect([seed, text, isWithin]).toEqual([seed, text, true]);
    const parsed = parseExpression(text);
    const ofForm = "problems" in parsed ? parsed.problems : [];
    expect([seed, text, problems.slice(0, ofForm.length)]).toEqual([seed, text, ofForm]);
    const evaluated = "problems" in parsed ? undefined : evaluate(parsed.expression, contextOf(random));
    if (evaluated !== undefined) sound++;
  }
  expect(sound).toBeGreaterThan(TIMES / 4);
  expect(sound).toBeLessThan((TIMES * 3) / 4);
});

test("one without problems fails by its values alone", () => {
  const kinds = new Set<string>();
  for (const [seed, random] of seeds()) {
    const text = soundExpression(random);
    expect([seed, text, problemsOfExpression(text)]).toEqual([seed, text, []]);
    const parsed = parseExpression(text);
    const evaluated = "expression" in parsed ? evaluate(parsed.expression, contextOf(random)) : undefined;
    const kind = evaluated !== undefined && "problem" in evaluated ? evaluated.problem.kind : "none";
    kinds.add(kind);
    expect([seed, text, kind === "none" || OF_VALUES.has(kind)]).toEqual([seed, text, true]);
  }
  expect(kinds).toContain("none");
  expect(kinds).toContain("required_missing");
  expect(kinds).toContain("value_too_long");
});

test("it asks for what it refers to, and for nothing else", () => {
  for (const [seed, random] of seeds()) {
    const text = soundExpression(random);
    const parsed = parseExpression(text);
    const asked = { nodes: new Set<string>(), input: new Set<string>() };
    const context: EvaluationContext = {
      input: (key) => void asked.input.add(key),
      config: () => undefined,
      nodes: (node) => void asked.nodes.add(node),
      patterns,
    };
    const isDone = "expression" in parsed && "value" in evaluate(parsed.expression, context);
    const told = "expression" in parsed ? references(parsed.expression) : { nodes: [], input: [] };
    // One that fails may not have come to its end.
    const wanted = isDone ? told : { nodes: [...asked.nodes], input: [...asked.input] };
    expect([seed, text, [...asked.nodes], [...asked.input]]).toEqual([
      seed,
      text,
      wanted.nodes,
      wanted.input,
    ]);
  }
});

test("text without braces is itself, and escaped text too", () => {
  for (const [seed, random] of seeds()) {
    const text = anyText(random, ["{", "}", "\\", "a", "|", "(", " ", "{a.x}"]);
    const plain = text.replaceAll(/[{}]/g, "");
    for (const [written, wanted] of [
      [plain, plain],
      [escaped(text), text],
    ] as const) {
      const parsed = parseExpression(written);
      const value = "expression" in parsed && evaluate(parsed.expression, contextOf(random));
      expect([seed, written, value]).toEqual([seed, written, { value: wanted === "" ? null : wanted }]);
    }
  }
});

test("a reference by itself gives its value, and in text the value's text", () => {
  for (const [seed, random] of seeds()) {
    const value = anyValue(random);
    const context = { ...contextOf(random), nodes: () => value };
    const [native, text] = ["{a.x}", "<{a.x}>"].map((each) => {
      const parsed = parseExpression(each);
      return "expression" in parsed ? evaluate(parsed.expression, context) : parsed;
    });
    const written = typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
    expect([seed, native, text]).toEqual([seed, { value }, { value: `<${written}>` }]);
  }
});
