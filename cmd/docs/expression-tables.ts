/** The tables of docs/expressions.md. What an example gives is what it is evaluated to. */
import { problemsOfExpression } from "../../internal/core/expression/check.ts";
import {
  MAX_EXPRESSION,
  MAX_PATTERN,
  MAX_STEPS,
  MAX_STEPS_OF_TASK,
  MAX_TEXT,
  MAX_VALUES_OF_TASK,
} from "../../internal/core/expression/limits.ts";
import type { ProblemKind } from "../../internal/core/expression/problem.ts";
import { MAX_DEPTH } from "../../internal/core/size.ts";
import { evaluated, pipeRows } from "./pipe-table.ts";

/** What stands in the section of a name, or `undefined`. */
export function expressionTable(name: string): string | undefined {
  switch (name) {
    case "expression pipes":
      return table(["pipe", "meaning", "example", "gives"], pipeRows());
    case "expression errors":
      return table(["error", "example", "meaning"], Object.entries(ERROR_TEXTS).map(errorRow));
    case "expression limits":
      return table(
        ["limit", "of"],
        LIMITS.map(([limit, of]) => [limit.toLocaleString("en"), of]),
      );
    default:
      return undefined;
  }
}

const ERROR_TEXTS: Readonly<Record<ProblemKind, { readonly example: string; readonly means: string }>> = {
  too_long: { example: "", means: "an expression has at most as many characters as the limits say" },
  unclosed_brace: { example: "{a.x", means: "write `\\{` for a brace in text" },
  unexpected_close_brace: { example: "a.x}", means: "write `\\}` for a brace in text" },
  nested_brace: {
    example: String.raw`{a.x | match(\d{4})}`,
    means: "no brace stands within braces, not in a pattern either",
  },
  empty_reference: { example: "{ | upper}", means: "there is nothing before the first pipe" },
  reference_without_dot: { example: "{a}", means: "write `{a.key}`" },
  empty_key: { example: "{a.}", means: "there is nothing behind the dot" },
  empty_namespace: { example: "{.x}", means: "there is nothing before the dot" },
  empty_pipe: { example: "{a.x | | upper}", means: "there is nothing behind a bar" },
  unbalanced_paren: { example: "{a.x | append(:))}", means: "in arguments, parentheses come in pairs" },
  unclosed_paren: {
    example: "{a.x | append(a}",
    means: "a parenthesis is not closed, or something stands behind it",
  },
  unknown_function: { example: "{first(a.x)}", means: "`list` is the only function; `first` is a pipe" },
  junk_after_function: { example: "{list(a.x).y}", means: "only pipes stand behind `list( … )`" },
  unknown_pipe: { example: "{a.x | UPPER}", means: "there is no pipe of this name; the message has all" },
  arity: {
    example: "{a.x | append(a, b)}",
    means: "too few arguments, or too many: write `\\,` for a comma in one",
  },
  required_missing: { example: "{a.none | required}", means: "a value is required, and is null or empty" },
  value_too_long: {
    example: "{a.x | int | pad(9999999)}",
    means: "a text, or a `list()`, would be larger than the limits say",
  },
  value_too_deep: { example: "", means: "lists and objects stand in each other deeper than the limits say" },
  pattern_too_long: { example: "", means: "a pattern is longer than the limits say" },
  too_much_work: { example: "", means: "an evaluation would take longer than the limits say" },
};

/** What takes a long example has none. */
function errorRow([kind, { example, means }]: [
  string,
  { readonly example: string; readonly means: string },
]): string[] {
  if (example === "") return [`\`${kind}\``, "", means];
  const result = evaluated(example, "a");
  const found = problemsOfExpression(example)[0] ?? ("problem" in result ? result.problem : undefined);
  if (found?.kind !== kind) throw new Error(`the example of ${kind} gives ${found?.kind ?? "a value"}`);
  return [`\`${kind}\``, `\`${example}\``, means];
}

const LIMITS: readonly (readonly [limit: number, of: string])[] = [
  [MAX_EXPRESSION, "characters in an expression"],
  [
    MAX_TEXT,
    "characters in a text that goes into a pipe or comes out of one, and bytes in a `list()` as JSON; a reference by itself may be larger",
  ],
  [MAX_DEPTH, "lists and objects in each other, in what is made to text or read by `json_get`"],
  [MAX_PATTERN, "characters in a pattern"],
  [
    MAX_STEPS,
    "steps in an evaluation: four for each character or item that a pipe goes over; for a pattern one for each of its parts at each character, and 2,000 for each of its own characters",
  ],
  [MAX_STEPS_OF_TASK, "steps in all evaluations for one attempt"],
  [MAX_VALUES_OF_TASK, "bytes, as JSON, in all that bindings and expressions give one attempt"],
];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`)).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
