/**
 * The shape of a definition in a file: what each field is called, takes, means, and is without it. The JSON Schema
 * for editors and the tables of docs/dag-file.md are made of this.
 */
import { z } from "zod";
import { DEFAULT_PRIORITY, DEFAULT_TENANT, DEFAULT_TIMEZONE, EXPONENTIAL_RETRY } from "../core/model.ts";
import { TASK_TYPE_NAMES } from "../core/task-types.ts";
import { bindings, edgeFilters, inputs, outputs } from "./data-fields.ts";
import { formatDuration } from "./duration.ts";
import {
  command,
  cron,
  date,
  duration,
  env,
  flag,
  id,
  ids,
  label,
  map,
  may,
  must,
  name,
  number,
  oneOf,
  params,
  queue,
  someTime,
  tags,
  text,
  timezone,
  whole,
} from "./fields.ts";
import { isMap } from "../core/not-json.ts";
import { goodFields } from "./together.ts";

const retry = z.strictObject(
  {
    backoff: may(
      oneOf("exponential", "linear", "fixed", "none"),
      "How the delays grow: each `factor` times the one before; each `factor` × `initial` longer; all the same; or no delay at all.",
      EXPONENTIAL_RETRY.backoff,
    ),
    initial: may(duration, "The delay after the first failure.", formatDuration(EXPONENTIAL_RETRY.initialMs)),
    factor: may(number(0, 1_000), "How fast the delays grow, by `backoff`; 2 by default, 1 with `linear`."),
    max: may(duration, "No delay is longer, before jitter.", formatDuration(EXPONENTIAL_RETRY.maxMs)),
    jitter: may(
      number(0, 1),
      "Share of the delay that is spread by chance around it, so that not all come back at once.",
      EXPONENTIAL_RETRY.jitter,
    ),
  },
  { error: must("a map with backoff, initial, factor, max, jitter") },
);

const task = z.strictObject(
  {
    id: id.meta({ description: "Names the task within the DAG: 1 to 128 of `A-Z a-z 0-9 _ -`." }),
    name: may(text, "For people to read; nothing goes by it."),
    type: may(
      text.meta({ enum: TASK_TYPE_NAMES }),
      "What runs it. Without it `bash`, or `function` with `workflow_ref`.",
    ),
    command: may(
      command,
      "What to run: a script, `METHOD URL [BODY]`, a command for a container, or the name of a function, which is the task's id by default.",
    ),
    workflow_ref: may(name, "Names a function; stands for `type: function` with this `command`."),
    params: may(params, "Goes over the run's params for this task. Values may be expressions."),
    depends_on: may(ids, "The tasks that have to complete before it; their outputs come as params."),
    dependencies: may(ids, "Another name of `depends_on`."),
    retries: may(whole(0, 1_000), "Further attempts after a failure: 3 means up to 4 attempts.", 0),
    retry: may(retry, "How long to wait before each further attempt."),
    timeout: may(
      someTime,
      "Time limit of one attempt, which then counts as failed. Without it the run's default counts, else the worker's, which is 30m.",
    ),
    sla: may(someTime, "How long it is expected to take at most; nothing is ended by it."),
    queue: may(
      queue,
      "Only workers that serve this queue take it. Without it `default`, or the name of the type where not every worker has it: `docker`, or that of a plug-in.",
    ),
    priority: may(whole(1, 9), "Where several tasks wait, higher ones go first.", DEFAULT_PRIORITY),
    critical: may(
      flag,
      "Under `on_failure: allow_partial` the run fails if this task does not succeed.",
      false,
    ),
    allow_failure: may(flag, "Its failure counts as success for what depends on it, and for the run.", false),
    env: may(env, "Environment variables of a bash or docker task."),
    outputs: may(
      outputs,
      "Files of a bash or docker task that it hands over to the tasks after it: paths, or patterns such as `out/**/*.csv`, in its own folder.",
    ),
    fan_mode: may(
      oneOf("single", "aggregate", "grouped"),
      "Runs it by the artifacts of its dependencies: `single` for each, `aggregate` once with all, `grouped` once for all that go back to the same artifact at the root. With `edge_filters` it is `single` by default; without either the task runs once, whatever there is.",
    ),
    edge_filters: may(edgeFilters, "By dependency: which of its artifacts it takes; without it all."),
    bindings: may(bindings, "Where fields of its params come from; they go over all other params."),
    with: may(map, "What only tasks of this type have; each type has a table of its own."),
  },
  { error: must("a task: a map with at least an id") },
);

/** What only one task can say is not here: its id, its name, what it runs and what it depends on. */
const { type, retries, timeout, sla, priority, critical, allow_failure } = task.shape;
const defaults = z.strictObject(
  {
    type,
    params: task.shape.params,
    retries,
    retry: task.shape.retry,
    timeout,
    sla,
    queue: task.shape.queue,
    priority,
    critical,
    allow_failure,
    env: task.shape.env,
  },
  { error: must("a map of fields that tasks have") },
);

const schedule = z.union(
  [
    cron,
    z.strictObject({
      cron: cron.meta({ description: "The cron text." }),
      timezone: may(timezone, "IANA name of the time zone that the cron text is read in.", DEFAULT_TIMEZONE),
    }),
  ],
  { error: must("a cron text, or a map with cron and timezone") },
);

export const definition = z.strictObject(
  {
    name: label.meta({ description: "What the DAG is called: 1 to 256 characters in one line." }),
    description: may(text, "What it does, for people to read."),
    tags: may(tags, "Names to find and group DAGs by, of up to 64 characters without blanks and commas."),
    tenant_id: may(label, "Whose it is.", DEFAULT_TENANT),
    params: may(params, "Params of the run, with their defaults: who starts a run may give others."),
    inputs: may(
      inputs,
      "What who starts a run is asked for: params with a label, that may be required; see `dag form`.",
    ),
    defaults: may(
      defaults,
      "Fields of tasks that count for every task that does not have them itself; `params` and `env` are put together, key by key.",
    ),
    on_failure: may(
      oneOf("continue", "stop", "allow_partial"),
      "What a task that has failed for good means for the run: `continue` fails what depends on it and goes on elsewhere, `stop` cancels the rest, `allow_partial` goes on, and the run completes unless a `critical` task did not succeed.",
      "continue",
    ),
    timeout: may(someTime, "Time limit of the whole run, which then fails."),
    max_parallel: may(
      whole(1, 1_000_000),
      "At most so many attempts of one run are queued or running at a time.",
    ),
    schedule: may(
      schedule,
      "When runs begin by themselves: a cron text of five fields, or six with the second first, or a map of `cron` and `timezone`.",
    ),
    start_date: may(
      date,
      "No scheduled run before it. A date is its first moment in the schedule's time zone.",
    ),
    end_date: may(date, "No scheduled run after it. A date is its last moment in the schedule's time zone."),
    is_paused: may(flag, "Its schedule rests.", false),
    tasks: z
      .array(task, { error: must("a list of tasks") })
      .meta({ title: "list of tasks", description: "The tasks, at least one.", minItems: 1 }),
  },
  { error: must("a map with name and tasks") },
);

export type RawTask = z.output<typeof task>;
export type RawDefaults = z.output<typeof defaults>;
/** A definition in the file's form, with every duration already in milliseconds. */
export type RawDefinition = z.output<typeof definition>;
/** A definition as a file has it: for callers that write it in code. */
export type DagDefinition = z.input<typeof definition>;

/** What can be understood of a definition whose shape is wrong, so that its other problems are found in the same go. */
export function salvage(value: unknown): RawDefinition | undefined {
  if (!isMap(value) || !Array.isArray(value.tasks)) return undefined;
  const { tasks: _, defaults: __, ...shape } = definition.shape;
  const tasks = value.tasks.map((each: unknown, position): RawTask => {
    return { id: `task-${position + 1}-without-id`, ...goodFields(each, task.shape) };
  });
  return {
    name: "",
    defaults: goodFields(value.defaults, defaults.shape),
    ...goodFields(value, shape),
    tasks,
  };
}
