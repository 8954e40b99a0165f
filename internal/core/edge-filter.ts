/**
 * Which artifacts of a dependency a task gets: rules that all have to hold, and then perhaps one by its size.
 *
 * A filter is compiled once for an edge; each artifact then costs the same for each rule, however long its list is.
 */
import type { ArtifactFacts } from "./artifact.ts";
import { fileTypeOf, lowerExtension } from "./file-type.ts";
import { isMatchOf, type Scalar } from "./filter-values.ts";
import type { JsonValue } from "./json.ts";
import { readNumber, textOf } from "./value-forms.ts";

export const OPERATORS = [
  "eq",
  "neq",
  "gt",
  "gte",
  "lt",
  "lte",
  "in",
  "not_in",
  "contains",
  "not_contains",
  "starts_with",
  "ends_with",
  "exists",
  "not_exists",
] as const;

export type Operator = (typeof OPERATORS)[number];

export interface FilterRule {
  /** `file_type`, `extension`, `file_size`, `file_name`, `mime_type`; any other name is a key of the metadata. */
  readonly field: string;
  readonly op: Operator;
  readonly value: Scalar | readonly string[];
}

export type Select = "largest" | "smallest";

export interface EdgeFilter {
  readonly rules: readonly FilterRule[];
  /** Of those that pass and have a size one alone; of several of that size the first. */
  readonly select?: Select;
}

/** By the dependency that they are for. */
export type EdgeFilters = Readonly<Record<string, EdgeFilter>>;

/** Gives what passes, in the order given. */
export type CompiledFilter = <A extends ArtifactFacts>(artifacts: readonly A[]) => readonly A[];

/** A filter that says nothing lets everything pass, and rejects nothing. */
export function isActive({ rules, select }: EdgeFilter): boolean {
  return rules.length > 0 || select !== undefined;
}

export function compileFilter({ rules, select }: EdgeFilter): CompiledFilter {
  const tests = rules.map(compileRule);
  return (artifacts) => {
    const passed =
      tests.length === 0
        ? artifacts
        : artifacts.filter((artifact) => tests.every((passes) => passes(artifact)));
    return select === undefined ? passed : bySize(passed, select);
  };
}

function bySize<A extends ArtifactFacts>(artifacts: readonly A[], select: Select): A[] {
  const sign = select === "largest" ? 1 : -1;
  let best: A | undefined;
  let bestSize = -Infinity;
  for (const artifact of artifacts) {
    if (artifact.size === null || artifact.size * sign <= bestSize) continue;
    best = artifact;
    bestSize = artifact.size * sign;
  }
  return best === undefined ? [] : [best];
}

type Test = (artifact: ArtifactFacts) => boolean;

function compileRule({ field, op, value }: FilterRule): Test {
  const read = readerOf(field);
  const judge = judgeOf(op, value);
  const ofMissing = TRUE_OF_MISSING.has(op);
  return (artifact) => {
    const found = read(artifact);
    return found === null ? ofMissing : judge(found);
  };
}

/** What is not there is not equal to anything, in no list, and holds nothing. */
const TRUE_OF_MISSING: ReadonlySet<Operator> = new Set(["neq", "not_in", "not_contains", "not_exists"]);

/** Metadata cannot take the place of these. */
const COMPUTED: Readonly<Record<string, (artifact: ArtifactFacts) => JsonValue>> = {
  file_type: fileTypeOf,
  extension: ({ name }) => lowerExtension(name),
  file_size: ({ size }) => size,
  file_name: ({ name }) => name,
  mime_type: ({ mimeType }) => mimeType ?? "",
};

function readerOf(field: string): (artifact: ArtifactFacts) => JsonValue {
  if (Object.hasOwn(COMPUTED, field)) return COMPUTED[field] ?? (() => null);
  return ({ metadata }) => (Object.hasOwn(metadata, field) ? (metadata[field] ?? null) : null);
}

/** Judges a field that is there. */
function judgeOf(op: Operator, value: FilterRule["value"]): (found: JsonValue) => boolean {
  switch (op) {
    case "eq":
      return isMatchOf([scalarOf(value)]);
    case "neq":
      return not(isMatchOf([scalarOf(value)]));
    case "in":
      return isMatchOf(listOf(value));
    case "not_in":
      return not(isMatchOf(listOf(value)));
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return comparison(op, typeof value === "object" ? undefined : readNumber(value));
    case "contains":
      return ofText(value, (text, part) => text.includes(part));
    case "not_contains":
      return ofText(value, (text, part) => !text.includes(part));
    case "starts_with":
      return ofText(value, (text, part) => text.startsWith(part));
    case "ends_with":
      return ofText(value, (text, part) => text.endsWith(part));
    case "exists":
      return (found) => found !== "";
    case "not_exists":
      return (found) => found === "";
  }
}

function not(judge: (found: JsonValue) => boolean): (found: JsonValue) => boolean {
  return (found) => !judge(found);
}

/** A list that stands where one value belongs counts by its text. */
function scalarOf(value: FilterRule["value"]): Scalar {
  return typeof value === "object" ? textOf([...value]) : value;
}

function listOf(value: FilterRule["value"]): readonly Scalar[] {
  return typeof value === "object" ? value : [value];
}

function ofText(
  value: FilterRule["value"],
  judge: (text: string, part: string) => boolean,
): (found: JsonValue) => boolean {
  const part = textOf(scalarOf(value));
  return (found) => judge(textOf(found), part);
}

/** What is no number is neither below nor above one. */
function comparison(
  op: "gt" | "gte" | "lt" | "lte",
  bound: number | undefined,
): (found: JsonValue) => boolean {
  if (bound === undefined) return () => false;
  const compare = {
    gt: (number: number) => number > bound,
    gte: (number: number) => number >= bound,
    lt: (number: number) => number < bound,
    lte: (number: number) => number <= bound,
  }[op];
  return (found) => {
    const number = readNumber(found);
    return number !== undefined && compare(number);
  };
}
