/** The table of pipes in docs/expressions.md. What an example gives is what it is evaluated to. */
import { evaluate } from "../../internal/core/expression/evaluate.ts";
import { parseExpression } from "../../internal/core/expression/parse.ts";
import { type PipeName, PIPES } from "../../internal/core/expression/pipes.ts";
import type { JsonValue } from "../../internal/core/json.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

/** Pipe, meaning, example, and what it gives. */
export function pipeRows(): string[][] {
  return Object.entries(PIPE_TEXTS).map(pipeRow);
}

interface PipeText {
  /** Those that may be left out have their default. */
  readonly args?: readonly string[];
  readonly means: string;
  readonly of: JsonValue;
  /** The pipe as it is called. */
  readonly call: string;
}

const PIPE_TEXTS: Readonly<Record<PipeName, PipeText>> = {
  upper: { means: "upper case", of: "Straße", call: "upper" },
  lower: { means: "lower case", of: "ÀB", call: "lower" },
  title: { means: "each word with a capital; all but letters part words", of: "it's A_b", call: "title" },
  trim: { means: "without the blanks at both ends", of: " a b ", call: "trim" },
  strip: {
    args: ["characters=blanks"],
    means: "without any of the characters at both ends",
    of: "--a-b-",
    call: "strip(-)",
  },
  lstrip: {
    args: ["characters=blanks"],
    means: "as `strip`, at the start alone",
    of: "007",
    call: "lstrip(0)",
  },
  rstrip: {
    args: ["characters=blanks"],
    means: "as `strip`, at the end alone",
    of: "a/b//",
    call: "rstrip(/)",
  },
  replace: {
    args: ["old", "new="],
    means: "every `old` becomes `new`; an empty `old` stands around each character",
    of: "1,2,3",
    call: String.raw`replace(\,,;)`,
  },
  prepend: { args: ["text="], means: "the text before it", of: 7, call: "prepend(no-)" },
  append: { args: ["text="], means: "the text behind it", of: "a", call: "append(.csv)" },
  truncate: {
    args: ["length=100"],
    means: "the first characters; a length below zero leaves out as many at the end",
    of: "report",
    call: "truncate(3)",
  },
  match: {
    args: ["pattern="],
    means: "the first match of a [pattern](#patterns), or the empty text",
    of: "v12.3",
    call: String.raw`match(\d+)`,
  },
  default: {
    args: ["text="],
    means: "the text in place of null and the empty text; 0, false and `[]` stay",
    of: null,
    call: "default(none)",
  },
  required: { means: "an error for null and the empty text", of: 0, call: "required" },
  first: {
    means: "the first item of a list, null of an empty one; anything else as it is",
    of: ["a", "b"],
    call: "first",
  },
  last: { means: "the last item, likewise", of: ["a", "b"], call: "last" },
  nth: {
    args: ["index=0"],
    means: "the item of a list, counted from 0, null where there is none; anything else as it is",
    of: ["a", "b"],
    call: "nth(1)",
  },
  join: {
    args: ["separator=`, `"],
    means: "the texts of a list's items without the nulls; `join(,)` has nothing between",
    of: ["a", null, 2],
    call: "join(-)",
  },
  string: {
    means: "the text of the value; of a list that of `join`, with its nulls",
    of: ["a", null, 2],
    call: "string",
  },
  flatten: { means: "the items of lists in the list, one level", of: [1, [2, [3]]], call: "flatten" },
  compact: { means: "a list without its nulls", of: ["", null, 0], call: "compact" },
  basename: { means: "the last part of a path", of: "/data/f.tar.gz", call: "basename" },
  dirname: {
    means: "a path without its last part, `.` where that is all",
    of: "/data/f.tar.gz",
    call: "dirname",
  },
  stem: { means: "the last part without its extension", of: "/data/f.tar.gz", call: "stem" },
  ext: {
    means: "the extension with its dot; none of `.name` and `name.`",
    of: "/data/f.tar.gz",
    call: "ext",
  },
  urlencode: { means: "percent-encoded, all but letters, digits and `_.-~`", of: "a b/é", call: "urlencode" },
  urldecode: { means: "percent-decoded; what is no code stays, `+` too", of: "a%20b+%", call: "urldecode" },
  int: { means: "a whole number, cut towards zero; 0 of what is no number", of: "-3.99", call: "int" },
  pad: {
    args: ["width=2"],
    means: "a whole number with zeros before it; what is no number stays",
    of: "7.5",
    call: "pad(3)",
  },
  json_get: {
    args: ["key="],
    means: "what an object, or a text that is the JSON of one, has under the key; else null",
    of: '{"n": 7}',
    call: "json_get(n)",
  },
};

function pipeRow([name, { args = [], means, of, call }]: [string, PipeText]): string[] {
  const [min, max] = PIPES[name as PipeName].arity;
  if (args.length !== max || args.findIndex((arg) => arg.includes("=")) !== (min === max ? -1 : min)) {
    throw new Error(`the arguments of ${name} are told wrongly: it takes ${min} to ${max}`);
  }
  const given = evaluated(`{a.x | ${call}}`, of);
  if ("problem" in given) throw new Error(`the example of ${name} fails: ${given.problem.message}`);
  return [usage(name, args), means, `${code(of)} through \`${call}\``, code(given.value)];
}

/** `replace(old, new)`, and what an argument is when it is left out. */
function usage(name: string, args: readonly string[]): string {
  if (args.length === 0) return `\`${name}\``;
  const names = args.map((arg) => arg.replace(/=.*/, "")).join(", ");
  const presets = args.flatMap((arg) => /=(?<preset>.+)/.exec(arg)?.groups?.preset ?? []);
  return [`\`${name}(${names})\``, ...presets].join(", by default ");
}

/** Of `a.x`; there is nothing else. */
export function evaluated(text: string, x: JsonValue): ReturnType<typeof evaluate> {
  const parsed = parseExpression(text);
  const [problem] = "problems" in parsed ? parsed.problems : [];
  if ("problems" in parsed) return { problem: problem ?? { kind: "too_long", offset: 0, message: "" } };
  const nodes = (_node: string, key: string): JsonValue => (key === "x" ? x : null);
  return evaluate(parsed.expression, {
    nodes,
    input: () => null,
    config: () => null,
    patterns: linearPatterns(),
  });
}

const code = (value: JsonValue): string => `\`${JSON.stringify(value)}\``;
