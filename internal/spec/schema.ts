/** The shape of a definition in a file, and what it means. */
import { z } from "zod";
import {
  type Dag,
  DEFAULT_PRIORITY,
  DEFAULT_QUEUE,
  DEFAULT_TENANT,
  EXPONENTIAL_RETRY,
  NO_ENV,
  NO_PARAMS,
  type RetryPolicy,
  type Task,
} from "../core/model.ts";
import { canonicalType, TASK_TYPE_NAMES } from "../core/task-types.ts";
import {
  command,
  duration,
  env,
  flag,
  ids,
  label,
  must,
  name,
  number,
  oneOf,
  params,
  someTime,
  text,
  whole,
} from "./fields.ts";
import { isMap } from "./json.ts";

const retry = z.strictObject(
  {
    backoff: oneOf("exponential", "linear", "fixed", "none").optional(),
    initial: duration.optional(),
    factor: number(0, 1_000).optional(),
    max: duration.optional(),
    jitter: number(0, 1).optional(),
  },
  { error: must("a map with backoff, initial, factor, max, jitter") },
);

const task = z.strictObject(
  {
    id: text,
    name: text.optional(),
    type: text.optional(),
    command: command.optional(),
    workflow_ref: name.optional(),
    params: params.optional(),
    depends_on: ids.optional(),
    dependencies: ids.optional(),
    retries: whole(0, 1_000).optional(),
    retry: retry.optional(),
    timeout: someTime.optional(),
    queue: text.optional(),
    priority: whole(1, 9).optional(),
    critical: flag.optional(),
    allow_failure: flag.optional(),
    env: env.optional(),
  },
  { error: must("a task: a map with at least an id") },
);

export const definition = z.strictObject(
  {
    name: label,
    description: text.optional(),
    tenant_id: label.optional(),
    params: params.optional(),
    on_failure: oneOf("continue", "stop", "allow_partial").optional(),
    timeout: someTime.optional(),
    max_parallel: whole(1, 1_000_000).optional(),
    tasks: z.array(task, { error: must("a list of tasks") }),
  },
  { error: must("a map with name and tasks") },
);

type RawTask = z.output<typeof task>;
/** A definition in the file's form, with every duration already in milliseconds. */
export type RawDefinition = z.output<typeof definition>;
/** A definition as a file has it: for callers that write it in code. */
export type DagDefinition = z.input<typeof definition>;

/** What can be understood of a definition whose shape is wrong, so that its other problems are found in the same go. */
export function salvage(value: unknown): RawDefinition | undefined {
  if (!isMap(value) || !Array.isArray(value.tasks)) return undefined;
  const tasks = value.tasks.map((each: unknown, position): RawTask => {
    const fields = isMap(each) ? each : {};
    const good = Object.entries(task.shape).flatMap(([field, schema]) => {
      const parsed = schema.safeParse(fields[field]);
      return parsed.success ? [[field, parsed.data]] : [];
    });
    return { id: `task-${position + 1}-without-id`, ...Object.fromEntries(good) } as RawTask;
  });
  return { name: typeof value.name === "string" ? value.name : "", tasks };
}

/** Says what is wrong with one field of a task. */
export type Complain = (field: string, message: string) => void;

/** `plugIns` are the further task types that are known. */
export function toDag(
  raw: RawDefinition,
  complain: (position: number) => Complain,
  plugIns: readonly string[],
): Dag {
  return {
    name: raw.name,
    ...(raw.description === undefined ? {} : { description: raw.description }),
    tenantId: raw.tenant_id ?? DEFAULT_TENANT,
    params: raw.params ?? NO_PARAMS,
    onFailure: raw.on_failure ?? "continue",
    ...(raw.timeout === undefined ? {} : { timeoutMs: raw.timeout }),
    ...(raw.max_parallel === undefined ? {} : { maxParallel: raw.max_parallel }),
    tasks: raw.tasks.map((each, position) => toTask(each, complain(position), plugIns)),
  };
}

function toTask(raw: RawTask, complain: Complain, plugIns: readonly string[]): Task {
  if (raw.depends_on !== undefined && raw.dependencies !== undefined) {
    complain("dependencies", "means the same as depends_on: use one of them");
  }
  const type = typeOf(raw, complain, plugIns);
  return {
    id: raw.id,
    type,
    command: commandOf(raw, type, complain),
    params: raw.params ?? NO_PARAMS,
    dependsOn: raw.depends_on ?? raw.dependencies ?? [],
    retries: raw.retries ?? 0,
    retry: raw.retry === undefined ? EXPONENTIAL_RETRY : toRetry(raw.retry),
    ...(raw.timeout === undefined ? {} : { timeoutMs: raw.timeout }),
    queue: raw.queue ?? DEFAULT_QUEUE,
    priority: raw.priority ?? DEFAULT_PRIORITY,
    critical: raw.critical ?? false,
    allowFailure: raw.allow_failure ?? false,
    env: raw.env ?? NO_ENV,
  };
}

function typeOf(raw: RawTask, complain: Complain, plugIns: readonly string[]): string {
  if (raw.type === undefined) return raw.workflow_ref === undefined ? "bash" : "function";
  const type = canonicalType(raw.type) ?? (plugIns.includes(raw.type) ? raw.type : undefined);
  if (type === undefined) {
    complain("type", `unknown type '${raw.type}'; use one of ${[...TASK_TYPE_NAMES, ...plugIns].join(", ")}`);
  } else if (raw.workflow_ref !== undefined && type !== "function") {
    complain("workflow_ref", `names a function, but the task's type is ${raw.type}`);
  }
  return type ?? raw.type;
}

function commandOf(raw: RawTask, type: string, complain: Complain): string {
  if (raw.workflow_ref !== undefined) {
    if (raw.command !== undefined)
      complain("command", "workflow_ref names the function already: use one of them");
    return raw.workflow_ref;
  }
  if (raw.command !== undefined && raw.command.trim() !== "") return raw.command;
  if (type === "function") return raw.id;
  if (type === "bash" || type === "http") {
    const example = type === "bash" ? "a script" : "METHOD URL [BODY]";
    complain("command", `is missing; a task of type ${type} needs a command: ${example}`);
  }
  return raw.command ?? "";
}

function toRetry(raw: NonNullable<RawTask["retry"]>): RetryPolicy {
  const backoff = raw.backoff ?? EXPONENTIAL_RETRY.backoff;
  return {
    backoff,
    initialMs: raw.initial ?? EXPONENTIAL_RETRY.initialMs,
    factor: raw.factor ?? (backoff === "linear" ? 1 : EXPONENTIAL_RETRY.factor),
    maxMs: raw.max ?? EXPONENTIAL_RETRY.maxMs,
    jitter: raw.jitter ?? EXPONENTIAL_RETRY.jitter,
  };
}
