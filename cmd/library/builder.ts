/** Definitions written as a program. */
import { formatJson, formatYaml } from "../../internal/spec/format.ts";
import { dagFields, taskFields } from "../../internal/spec/options.ts";
import { formatPath, shown } from "../../internal/core/shown.ts";
import { DefinitionError, unknownField } from "../../internal/spec/problems.ts";
import { type DagSource, problemsOfHead, problemsOfTask } from "../../internal/spec/read.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";
import type { Found } from "../../internal/spec/text.ts";
import type { FieldsOf } from "./check-input.ts";
import type { DagOptions, TaskOptions } from "./definition-options.ts";
import type { Work } from "./work.ts";

type TaskDefinition = DagDefinition["tasks"][number];

/** Those ids that the compiler knows letter by letter; the others are checked when a task is added. */
type Literal<Id extends string> = Id extends string ? ({} extends Record<Id, true> ? never : Id) : never;

/** An id that no task has. */
type Free<Id extends string, Ids extends string> =
  Id extends Literal<Ids> ? `there is a task '${Id}' already` : Id;

/** An id that a task has. */
type Known<Id extends string, Ids extends string> = Id extends Ids ? Id : Id extends Literal<Id> ? Ids : Id;

/**
 * Begins a DAG: `dag("etl").task("extract", bash("…")).task("load", fn("load"), { dependsOn: ["extract"] })`.
 * `dag<string>(…)` leaves all checks of ids to run time. Throws `DefinitionError` when the name or an option is not
 * allowed.
 */
export function dag<Ids extends string = never>(name: string, options: DagOptions = {}): DagBuilder<Ids> {
  return new DagBuilder(name, options);
}

/** A DAG that grows task by task. `Ids` are the ids of its tasks as far as the compiler knows them. */
export class DagBuilder<Ids extends string> implements DagSource {
  readonly #subject: string;
  readonly #head: Omit<DagDefinition, "tasks">;
  readonly #tasks: TaskDefinition[] = [];
  readonly #positions = new Map<string, number>();

  constructor(name: string, options: DagOptions) {
    this.#subject = `DAG ${shown(name)}`;
    const { fields, problems } = dagFields(options);
    const head = { name, ...fields };
    refuse(this.#subject, [...problems, ...problemsOfHead(head)]);
    this.#head = structuredClone(head);
  }

  /**
   * Adds a task after those that are there; it may depend on these alone. Gives this builder again, with a type that
   * knows the new id. Throws `DefinitionError`, with every problem, when the id is taken, a dependency is not there,
   * or a field is not allowed; the task is not added then. What is handed in is copied.
   */
  task<const Id extends string, const Dependency extends string = never>(
    id: Free<Id, Ids>,
    work: Work,
    options: TaskOptions<Known<Dependency, Ids>> = {},
  ): DagBuilder<Ids | Id> {
    const subject = `${this.#subject}, task ${shown(id)}`;
    if (!isWork(work)) refuse(subject, [noWork(work)]);
    const { fields, problems: found } = taskFields(options, this.#tasks.length);
    const problems = [...unknownIn(work, this.#tasks.length), ...found];
    const { type, command, with: own } = work;
    if (own !== undefined && fields.with !== undefined) problems.push(givenTwice());
    const task = {
      id,
      type,
      ...(command === undefined ? {} : { command }),
      ...fields,
      ...(own === undefined ? {} : { with: own }),
    };
    refuse(subject, [...problems, ...problemsOfTask(task, this.#positions)]);
    this.#positions.set(id, this.#tasks.length);
    this.#tasks.push(structuredClone(task));
    return this as DagBuilder<Ids | Id>;
  }

  /** What a file of this DAG holds. */
  toDefinition(): DagDefinition {
    return structuredClone({ ...this.#head, tasks: this.#tasks });
  }

  /** The text of a YAML file of this DAG. */
  toYAML(): string {
    return formatYaml(this.toDefinition());
  }

  /** The text of a JSON file of this DAG. What goes into other JSON is `toDefinition()`. */
  toJSON(): string {
    return formatJson(this.toDefinition());
  }
}

/** In JavaScript, it may be a script as it is. */
function noWork(value: unknown): Found {
  const message = `must run bash(…), http(…), docker(…), fn(…) or { type, command }, not ${shown(value)}`;
  return { path: [], message, atKey: false };
}

function givenTwice(): Found {
  const message = "with: what the task runs has its options already; give them there";
  return { path: ["with"], message, atKey: true };
}

const WORK: FieldsOf<Work> = { type: true, command: true, with: true };

/** Options of a task, such as its timeout, are none of what it runs. */
function unknownIn(work: Work, position: number): Found[] {
  const allowed = Object.keys(WORK);
  return Object.entries(work).flatMap(([name, value]) => {
    if (value === undefined || allowed.includes(name)) return [];
    const message = `what the task runs: ${unknownField(name, allowed)}; options of the task come behind it`;
    return [{ path: ["tasks", position, name], message, atKey: true }];
  });
}

function isWork(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function refuse(subject: string, problems: readonly Found[]): void {
  if (problems.length === 0) return;
  throw new DefinitionError(
    problems.map(({ path, message }) => ({ subject, path: formatPath(path), message })),
  );
}
