/** Expressions by chance: sound ones, and texts made of the pieces that matter. */
import { PIPES } from "../../internal/core/expression/pipes.ts";
import type { JsonValue } from "../../internal/core/json.ts";
import type { SeededRandom } from "./random.ts";

const TEXTS = ["", " ", "a", "é😀", "\\", "\n", "|", "(", ")", ",", "a.b", "$&", "\uD800"];
const KEYS = ["x", "y", "deep.key", "none", "constructor"];
const NAMESPACES = ["a", "b", "input", "config", "other"];
const ARGUMENTS = [
  "",
  "0",
  "2",
  "-1",
  "x",
  ", ",
  "a|b",
  "(p)",
  "\\d+",
  "[",
  "(a+)+$",
  "😀",
  "999999999",
  "a",
];
const PIPE_NAMES = Object.keys(PIPES) as (keyof typeof PIPES)[];
/** What reading looks at. */
const PIECES = [
  "{",
  "}",
  "\\",
  "|",
  "(",
  ")",
  ",",
  ".",
  " ",
  "a",
  "a.x",
  "list(",
  "upper",
  "bogus",
  "replace(a",
  "\\{",
  "\\}",
  "\\,",
];

/** A text without braces that need escaping; with those that it has escaped. */
export function escaped(text: string): string {
  return text.replaceAll(/[{}]/g, String.raw`\$&`);
}

export function anyText(random: SeededRandom, pieces: readonly string[] = TEXTS): string {
  return Array.from({ length: random.below(5) }, () => random.pick(pieces)).join("");
}

/** One without problems. */
export function soundExpression(random: SeededRandom): string {
  return Array.from({ length: 1 + random.below(3) }, () =>
    random.chance(0.3) ? text(random) : placeholder(random),
  ).join("");
}

/** A backslash before a placeholder would escape its brace. */
function text(random: SeededRandom): string {
  return `${escaped(anyText(random))}.`;
}

function placeholder(random: SeededRandom): string {
  const source = random.chance(0.3)
    ? `list(${Array.from({ length: random.below(4) }, () => reference(random)).join(", ")})`
    : reference(random);
  const calls = Array.from({ length: random.below(4) }, () => ` | ${call(random)}`);
  return `{${source}${calls.join("")}}`;
}

function reference(random: SeededRandom): string {
  return `${random.pick(NAMESPACES)}.${random.pick(KEYS)}`;
}

function call(random: SeededRandom): string {
  const name = random.pick(PIPE_NAMES);
  const [min, max] = PIPES[name].arity;
  const count = min + random.below(max - min + 1);
  const args = Array.from({ length: count }, () => random.pick(ARGUMENTS).replaceAll(",", String.raw`\,`));
  // The last comma lets an argument before it be empty.
  return count === 0 ? name : `${name}(${args.join(",")},)`;
}

/** Anything, sound or not. */
export function anyExpression(random: SeededRandom): string {
  const pieces = Array.from({ length: random.below(16) }, () =>
    random.chance(0.2) ? soundExpression(random) : random.pick(PIECES),
  );
  return pieces.join("");
}

export function anyValue(random: SeededRandom, depth = 3): JsonValue {
  const plain = (): JsonValue =>
    random.pick<JsonValue>([
      null,
      "",
      true,
      false,
      0,
      -1.5,
      1e21,
      "12",
      " 3.7 ",
      "a/b.c",
      '{"x": [1]}',
      anyText(random),
    ]);
  if (depth === 0 || random.chance(0.6)) return plain();
  const members = Array.from({ length: random.below(4) }, () => anyValue(random, depth - 1));
  if (random.chance(0.6)) return members;
  return Object.fromEntries(members.map((member) => [random.pick(KEYS), member]));
}
