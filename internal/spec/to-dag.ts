/** What a definition means: its fields, with what counts where they are left out. */
import {
  type Dag,
  DEFAULT_PRIORITY,
  DEFAULT_TENANT,
  DEFAULT_TIMEZONE,
  EXPONENTIAL_RETRY,
  NO_ENV,
  NO_PARAMS,
  NO_TAGS,
  type RetryPolicy,
  type Schedule,
  type Task,
} from "../core/model.ts";
import { expressedIn } from "../core/expressed.ts";
import { canonicalType, defaultQueueOf, GATE, problemOfType, TASK_TYPE_NAMES } from "../core/task-types.ts";
import { readData, readInputs } from "./data-of-task.ts";
import { withDefaults } from "./defaults.ts";
import { toRun } from "./to-run.ts";
import type { Found } from "./text.ts";
import type { RawDefaults, RawDefinition, RawTask } from "./schema.ts";

/** Says what is wrong with one field. */
export type Complain = (field: string, message: string) => void;

export interface Reading {
  /** For the fields of the map at a path. */
  readonly complain: (path: readonly (string | number)[]) => Complain;
  report(problem: Found): void;
  /** The further task types that are known. */
  readonly plugIns: readonly string[] | "any";
}

export function toDag(raw: RawDefinition, { complain, report, plugIns }: Reading): Dag {
  const { defaults } = raw;
  typeOf({ type: defaults?.type }, complain(["defaults"]), plugIns);
  return {
    name: raw.name,
    ...(raw.description === undefined ? {} : { description: raw.description }),
    tags: raw.tags ?? NO_TAGS,
    tenantId: raw.tenant_id ?? DEFAULT_TENANT,
    params: raw.params ?? NO_PARAMS,
    ...readInputs(raw),
    onFailure: raw.on_failure ?? "continue",
    ...(raw.timeout === undefined ? {} : { timeoutMs: raw.timeout }),
    ...(raw.max_parallel === undefined ? {} : { maxParallel: raw.max_parallel }),
    ...(raw.schedule === undefined ? {} : { schedule: toSchedule(raw.schedule) }),
    ...(raw.start_date === undefined ? {} : { startDate: raw.start_date }),
    ...(raw.end_date === undefined ? {} : { endDate: raw.end_date }),
    isPaused: raw.is_paused ?? false,
    tasks: raw.tasks.map((task, position) => {
      const path = ["tasks", position];
      return toTask(task, { defaults, complain: complain(path), report, path, plugIns });
    }),
  };
}

function toSchedule(raw: NonNullable<RawDefinition["schedule"]>): Schedule {
  const { cron, timezone = DEFAULT_TIMEZONE } = typeof raw === "string" ? { cron: raw } : raw;
  return { cron, timezone };
}

interface Surroundings {
  readonly defaults: RawDefaults | undefined;
  readonly complain: Complain;
  readonly report: Reading["report"];
  /** Of the task, in the definition. */
  readonly path: readonly (string | number)[];
  readonly plugIns: Reading["plugIns"];
}

function toTask(own: RawTask, surroundings: Surroundings): Task {
  const { defaults, complain, plugIns } = surroundings;
  const raw = withDefaults(own, defaults, complain);
  if (raw.depends_on !== undefined && raw.dependencies !== undefined) {
    complain("dependencies", "means the same as depends_on: use one of them");
  }
  // A wrong type among the defaults was told there, once.
  const type = typeOf(raw, own.type === undefined ? () => undefined : complain, plugIns);
  const { command, options } = toRun(raw, type, surroundings);
  const params = raw.params ?? NO_PARAMS;
  const whyNone = raw.outputs === undefined ? undefined : WITHOUT_OUTPUTS[type];
  if (whyNone !== undefined) complain("outputs", whyNone);
  return {
    id: raw.id,
    ...(raw.name === undefined ? {} : { name: raw.name }),
    type,
    command,
    options,
    params,
    dependsOn: raw.depends_on ?? raw.dependencies ?? [],
    retries: raw.retries ?? 0,
    retry: raw.retry === undefined ? EXPONENTIAL_RETRY : toRetry(raw.retry),
    ...(raw.timeout === undefined ? {} : { timeoutMs: raw.timeout }),
    ...(raw.sla === undefined ? {} : { slaMs: raw.sla }),
    queue: raw.queue ?? defaultQueueOf(type),
    priority: raw.priority ?? DEFAULT_PRIORITY,
    critical: raw.critical ?? false,
    allowFailure: raw.allow_failure ?? false,
    env: raw.env ?? NO_ENV,
    ...(type === GATE ? { isPassthrough: true as const } : {}),
    ...readData(raw),
    ...(expressedIn({ type, options, params }).length === 0 ? {} : { hasExpressions: true as const }),
  };
}

/** Types whose tasks have no folder of their own. */
const WITHOUT_OUTPUTS: Readonly<Record<string, string>> = {
  function: "a function returns what it hands over, see artifacts() of jetdag/functions: leave them out",
  http: "a request hands over no files: leave them out",
  [GATE]: "a gate runs nothing that could hand over files: leave them out",
};

function typeOf(
  raw: Pick<RawTask, "type" | "workflow_ref">,
  complain: Complain,
  plugIns: Reading["plugIns"],
): string {
  if (raw.type === undefined) return raw.workflow_ref === undefined ? "bash" : "function";
  const isKnown = plugIns === "any" ? problemOfType(raw.type) === undefined : plugIns.includes(raw.type);
  const type = canonicalType(raw.type) ?? (isKnown ? raw.type : undefined);
  if (type === undefined) {
    const known = [...TASK_TYPE_NAMES, ...(plugIns === "any" ? [] : plugIns)].join(", ");
    complain(
      "type",
      `unknown type '${raw.type}'; use one of ${known}; a plug-in's type has to be named in 'types'`,
    );
  } else if (raw.workflow_ref !== undefined && type !== "function") {
    complain("workflow_ref", `names a function, but the task's type is ${raw.type}`);
  }
  return type ?? raw.type;
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
