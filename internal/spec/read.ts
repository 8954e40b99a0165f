/** Definitions from objects: checked, every problem at once, and made into what everything inside works with. */
import { type Problem, problemsOf, problemsOfNext } from "../core/check.ts";
import { type Dag, DEFAULT_TIMEZONE } from "../core/model.ts";
import { explain, MAX_PROBLEMS } from "./explain.ts";
import { fieldsAt } from "./field-names.ts";
import { lostNames } from "./lost-names.ts";
import { formatPath } from "../core/shown.ts";
import { type DefinitionProblem, DefinitionError, nearest } from "./problems.ts";
import { endsBefore } from "./dates.ts";
import { problemOfSize } from "./defaults.ts";
import { type DagDefinition, definition, type RawDefinition, salvage } from "./schema.ts";
import type { Found, Made } from "./text.ts";
import { toDag } from "./to-dag.ts";

export interface ReadOptions {
  /** Types of task beyond the built-in ones; `any`: whoever runs it judges them. */
  readonly types?: readonly string[] | "any";
}

type KnownTypes = NonNullable<ReadOptions["types"]>;

const checked = new WeakSet<Dag>();

/** Reads an object in the file's form. */
export function examine(value: unknown, { types = [] }: ReadOptions): Made<Dag> {
  const result = examineAs(value, types, (dag) => problemsOf(dag, nearest));
  if ("made" in result) checked.add(result.made);
  return result;
}

/** All that is wrong with a definition in the file's form that has no tasks yet. */
export function problemsOfHead(head: object): readonly Found[] {
  const result = examineAs({ ...head, tasks: [] }, [], () => []);
  return "made" in result ? [] : result.problems;
}

/**
 * All that is wrong with one more task, in the file's form, of a definition that has the `known` ones so far
 * (positions by id). Whoever runs it judges its type: that may be one of a plug-in.
 */
export function problemsOfTask(
  task: { readonly type: string },
  known: ReadonlyMap<string, number>,
): readonly Found[] {
  const result = examineAs({ name: "unnamed", tasks: [task] }, "any", ({ tasks }) =>
    tasks.flatMap((each) => problemsOfNext(each, known, nearest)),
  );
  if ("made" in result) return [];
  return result.problems.map((found) => ({ ...found, path: ["tasks", known.size, ...found.path.slice(2)] }));
}

function examineAs(value: unknown, types: KnownTypes, check: (dag: Dag) => readonly Problem[]): Made<Dag> {
  const parsed = definition.safeParse(value, { reportInput: true });
  const allowed = (path: readonly PropertyKey[]): string[] => fieldsAt(definition, path, value);
  const issues = parsed.error?.issues.slice(0, MAX_PROBLEMS) ?? [];
  const shape = [...issues.flatMap((issue) => explain(issue, allowed)), ...lostNames(value)];
  const raw = parsed.success ? parsed.data : salvage(value);
  if (raw === undefined) return { problems: shape };
  const { dag, problems } = interpret(raw, types, check);
  const known = new Set(shape.map(({ path }) => formatPath(path)));
  const more = problems.filter(({ path }) => !known.has(formatPath(path)));
  const all = withoutMisspelt([...shape, ...more], { value, allowed });
  return all.length > 0 ? { problems: all } : { made: dag };
}

/** A field that is there under a misspelt name is not said to be missing as well. */
function withoutMisspelt(
  found: readonly Found[],
  {
    value,
    allowed,
  }: { readonly value: unknown; readonly allowed: (path: readonly PropertyKey[]) => string[] },
): Found[] {
  const meant = new Set(
    found.flatMap(({ path, atKey }) => {
      const near = atKey ? nearest(String(path.at(-1)), allowed(path.slice(0, -1))) : undefined;
      return near === undefined ? [] : [formatPath([...path.slice(0, -1), near])];
    }),
  );
  return found.filter(({ path }) => !meant.has(formatPath(path)) || partAt(value, path) !== undefined);
}

function partAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
}

function interpret(
  raw: RawDefinition,
  plugIns: KnownTypes,
  check: (dag: Dag) => readonly Problem[],
): { dag: Dag; problems: Found[] } {
  const problems: Found[] = [];
  const complain = (path: readonly (string | number)[]) => (field: string, message: string) => {
    problems.push({ path: [...path, field], message: `${field}: ${message}`, atKey: false });
  };
  const dag = toDag(raw, { complain, report: (found) => problems.push(found), plugIns });
  for (const problem of check(dag)) problems.push({ ...problem, atKey: false });
  const size = problemOfSize(raw);
  if (size !== undefined) complain([])("defaults", size);
  const { startDate, endDate, schedule } = dag;
  if (startDate !== undefined && endDate !== undefined) {
    if (endsBefore(endDate, startDate, schedule?.timezone ?? DEFAULT_TIMEZONE))
      complain([])("end_date", `${endDate} is before start_date, ${startDate}`);
  }
  return { dag, problems };
}

/** A definition given as an object in the file's form. Throws `DefinitionError`. */
export function readDefinition(value: unknown, options: ReadOptions = {}): Dag {
  const result = examine(value, options);
  if ("made" in result) return result.made;
  throw new DefinitionError(
    result.problems.map(({ path, message }): DefinitionProblem => ({ path: formatPath(path), message })),
  );
}

/** What makes a definition when it is asked: a builder. */
export interface DagSource {
  /** A definition as a file has it. */
  toDefinition(): DagDefinition;
}

/** A DAG that was read before as it is; anything else is read as a definition. Throws `DefinitionError`. */
export function ensureDag(input: Dag | DagDefinition | DagSource, options: ReadOptions = {}): Dag {
  if (isChecked(input)) return input;
  return readDefinition(isSource(input) ? input.toDefinition() : input, options);
}

function isChecked(input: unknown): input is Dag {
  return checked.has(input as Dag);
}

function isSource(input: unknown): input is DagSource {
  return typeof (input as Partial<DagSource> | null | undefined)?.toDefinition === "function";
}
