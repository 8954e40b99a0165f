/** Is everything that is wrong with an expression found before it is evaluated, each once and at its place? */
import { describe, expect, test } from "vitest";
import { problemsOfExpression, references } from "../../internal/core/expression/check.ts";
import { MAX_EXPRESSION } from "../../internal/core/expression/limits.ts";
import { parseExpression } from "../../internal/core/expression/parse.ts";

/** Each kind, and the text from its place on, as far as it is asked for. */
function found(text: string): [kind: string, at: string][] {
  return problemsOfExpression(text).map(({ kind, offset }) => [kind, text.slice(offset, offset + 4)]);
}

describe("each problem has its place", () => {
  test.each<[text: string, kind: string, at: string]>([
    ["ab } c", "unexpected_close_brace", "} c"],
    ["ab {a.x", "unclosed_brace", "{a.x"],
    ["ab {a.x {b.y}}", "nested_brace", "{b.y"],
    ["ab {  }", "empty_reference", "}"],
    ["ab { nodot }", "reference_without_dot", "nodo"],
    ["ab { a. | upper}", "empty_key", "a. |"],
    ["ab { .x }", "empty_namespace", ".x }"],
    ["ab {list(a.x,  nodot)}", "reference_without_dot", "nodo"],
    ["ab { lists(a.x)}", "unknown_function", "list"],
    ["ab {list(a.x) more}", "junk_after_function", " mor"],
    ["ab {list(a.x}", "unclosed_paren", "(a.x"],
    ["ab {a.x |  }", "empty_pipe", "}"],
    ["ab {a.x | append(x}", "unclosed_paren", "(x}"],
    ["ab {a.x | append(x))}", "unbalanced_paren", ")}"],
    ["ab {a.x |  bogus}", "unknown_pipe", "bogu"],
    ["ab {a.x | upper | trim(1)}", "arity", "trim"],
  ])("%s", (text, kind, at) => {
    expect(found(text)).toEqual([[kind, at]]);
  });
});

describe("all at once", () => {
  test("form first, then pipes, both in the order of the text", () => {
    expect(found("{a.x | bogus} {nodot | replace | also} } {}")).toEqual([
      ["reference_without_dot", "nodo"],
      ["unexpected_close_brace", "} {}"],
      ["empty_reference", "}"],
      ["unknown_pipe", "bogu"],
      ["arity", "repl"],
      ["unknown_pipe", "also"],
    ]);
  });

  test("several in one pair of braces", () => {
    expect(found("{list(one, two) | append(x | upper}")).toEqual([
      ["reference_without_dot", "one,"],
      ["reference_without_dot", "two)"],
      ["unclosed_paren", "(x |"],
    ]);
  });

  test.each([
    ["{{a.x}} {nodot}", ["nested_brace", "reference_without_dot"]],
    [String.raw`{a.x | match(\d{4}-\d{2})} {nodot}`, ["nested_brace", "reference_without_dot"]],
    ["{{{a.x}}} }", ["nested_brace", "unexpected_close_brace"]],
    ["{a.x {b.y} and {nodot}", ["nested_brace"]],
    ["{a.x } } {", ["unexpected_close_brace", "unclosed_brace"]],
  ])("a mistake with braces is told once: %s", (text, kinds) => {
    expect(found(text).map(([kind]) => kind)).toEqual(kinds);
  });

  test("without any, there is an expression", () => {
    expect(problemsOfExpression("{a.x | upper}")).toEqual([]);
    expect(parseExpression("{a.x | upper}")).toEqual({
      expression: {
        parts: [
          {
            source: { namespace: "a", key: "x" },
            calls: [{ name: "upper", args: [], offset: 7 }],
            offset: 0,
          },
        ],
      },
    });
  });
});

test("messages say what to write", () => {
  const messages = [
    "{a.x | UPPER}",
    "{a.x | replace}",
    "{a.x | upper(1)}",
    "{a.x | append(1,2)}",
    "{a}",
    "{.b}",
    "{c.}",
  ].map((text) => problemsOfExpression(text)[0]?.message);
  expect(messages).toEqual([
    expect.stringMatching(/^unknown pipe 'UPPER': there are append, basename, .*, urlencode$/),
    "replace takes 1 to 2 arguments, and has 0",
    "upper takes no argument, and has 1",
    String.raw`append takes at most one argument, and has 2: write \, for a comma in one`,
    "'a' is no reference: write a.key",
    "'.b' names no task: write task.b, input.b or config.b",
    "'c.' names no key: write c.key",
  ]);
});

test("a text that is too long is not read", () => {
  expect(problemsOfExpression("}".repeat(MAX_EXPRESSION))).toHaveLength(MAX_EXPRESSION);
  expect(problemsOfExpression("}".repeat(MAX_EXPRESSION + 1))).toEqual([
    {
      kind: "too_long",
      offset: MAX_EXPRESSION,
      message: expect.stringContaining(String(MAX_EXPRESSION)) as string,
    },
  ]);
});

test.each([
  { name: "braces that open", begin: "", part: "{", end: "", first: "nested_brace" },
  { name: "pairs in an open one", begin: "", part: "{{}", end: "", first: "nested_brace" },
  { name: "open parentheses", begin: "{a.x | append(", part: "(", end: ")}", first: "unclosed_paren" },
  { name: "pairs of parentheses", begin: "{a.x | append(", part: "()", end: ")}", first: undefined },
  { name: "bars", begin: "{a.x ", part: "|", end: "}", first: "empty_pipe" },
  { name: "pipes", begin: "{a.x", part: "|trim", end: "}", first: undefined },
  { name: "backslashes", begin: "", part: "\\", end: "", first: undefined },
  { name: "escaped commas", begin: "{list(", part: "\\,", end: ")}", first: "reference_without_dot" },
  { name: "arguments", begin: "{list(", part: ",", end: ")}", first: undefined },
])("what is long is read at once: $name", ({ begin, part, end, first }) => {
  const times = Math.floor((MAX_EXPRESSION - begin.length - end.length) / part.length);
  expect(problemsOfExpression(begin + part.repeat(times) + end)[0]?.kind).toBe(first);
});

test("references are told once, in the order of the text", () => {
  const parsed = parseExpression("{b.x}{input.k}{list(a.x, config.c, input.j, b.z) | upper}{input.k}");
  expect("expression" in parsed && references(parsed.expression)).toEqual({
    nodes: ["b", "a"],
    input: ["k", "j"],
    config: ["c"],
  });
});
