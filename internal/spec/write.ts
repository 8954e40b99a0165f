/** Definitions back in the file's form; what is at its default is left out. */
import {
  type Dag,
  DEFAULT_PRIORITY,
  DEFAULT_TENANT,
  DEFAULT_TIMEZONE,
  EXPONENTIAL_RETRY,
  type RetryPolicy,
  type Schedule,
  type Task,
} from "../core/model.ts";
import { defaultQueueOf } from "../core/task-types.ts";
import { writeData } from "./data-of-task.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { DagDefinition, RawDefinition } from "./schema.ts";
import type { Found } from "./text.ts";
import { type Complain, toDag } from "./to-dag.ts";

type TaskDefinition = DagDefinition["tasks"][number];

/** What `readDefinition` reads as the same DAG. */
export function writeDefinition(dag: Dag): DagDefinition {
  return {
    name: dag.name,
    ...(dag.description === undefined ? {} : { description: dag.description }),
    ...(dag.tags.length === 0 ? {} : { tags: [...dag.tags] }),
    ...(dag.tenantId === DEFAULT_TENANT ? {} : { tenant_id: dag.tenantId }),
    ...(isEmpty(dag.params) ? {} : { params: dag.params }),
    ...(dag.inputs === undefined ? {} : { inputs: { ...dag.inputs } }),
    ...(dag.onFailure === "continue" ? {} : { on_failure: dag.onFailure }),
    ...(dag.timeoutMs === undefined ? {} : { timeout: writeDuration(dag.timeoutMs) }),
    ...(dag.maxParallel === undefined ? {} : { max_parallel: dag.maxParallel }),
    ...(dag.schedule === undefined ? {} : { schedule: writeSchedule(dag.schedule) }),
    ...(dag.startDate === undefined ? {} : { start_date: dag.startDate }),
    ...(dag.endDate === undefined ? {} : { end_date: dag.endDate }),
    ...(dag.isPaused ? { is_paused: true } : {}),
    tasks: dag.tasks.map(writeTask),
  };
}

function writeTask(task: Task): TaskDefinition {
  return {
    id: task.id,
    ...(task.name === undefined ? {} : { name: task.name }),
    type: task.type,
    ...(task.command === "" ? {} : { command: task.command }),
    ...(isEmpty(task.options) ? {} : { with: task.options }),
    ...(isEmpty(task.params) ? {} : { params: task.params }),
    ...(task.dependsOn.length === 0 ? {} : { depends_on: [...task.dependsOn] }),
    ...(task.retries === 0 ? {} : { retries: task.retries }),
    ...(task.retry === EXPONENTIAL_RETRY ? {} : { retry: writeRetry(task.retry) }),
    ...(task.timeoutMs === undefined ? {} : { timeout: writeDuration(task.timeoutMs) }),
    ...(task.slaMs === undefined ? {} : { sla: writeDuration(task.slaMs) }),
    ...(task.queue === defaultQueueOf(task.type) ? {} : { queue: task.queue }),
    ...(task.priority === DEFAULT_PRIORITY ? {} : { priority: task.priority }),
    ...(task.critical ? { critical: true } : {}),
    ...(task.allowFailure ? { allow_failure: true } : {}),
    ...(isEmpty(task.env) ? {} : { env: { ...task.env } }),
    ...writeData(task),
  };
}

function writeSchedule({ cron, timezone }: Schedule): NonNullable<DagDefinition["schedule"]> {
  return timezone === DEFAULT_TIMEZONE ? cron : { cron, timezone };
}

function writeRetry(retry: RetryPolicy): NonNullable<TaskDefinition["retry"]> {
  const { backoff, factor, jitter } = retry;
  return {
    backoff,
    factor,
    jitter,
    initial: writeDuration(retry.initialMs),
    max: writeDuration(retry.maxMs),
  };
}

/** As a number of seconds where the text would lose a fraction of a millisecond. */
function writeDuration(ms: number): string | number {
  return Number.isInteger(ms) ? formatDuration(ms) : ms / 1_000;
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

/**
 * Reads back what `writeDefinition` wrote, at its word: it was checked when it was written. For large definitions
 * checking again would cost several times as much as reading.
 */
export function readWritten(written: DagDefinition): Dag {
  const tasks = written.tasks.map((task) => ({
    ...task,
    ...(task.timeout === undefined ? {} : { timeout: ms(task.timeout) }),
    ...(task.sla === undefined ? {} : { sla: ms(task.sla) }),
    ...(task.retry === undefined
      ? {}
      : { retry: { ...task.retry, initial: ms(task.retry.initial), max: ms(task.retry.max) } }),
  }));
  const raw = {
    ...written,
    tasks,
    ...(written.timeout === undefined ? {} : { timeout: ms(written.timeout) }),
  };
  const complain = (): Complain => (field, message) => {
    throw new Error(`internal: a stored definition is wrong: ${field} ${message}`);
  };
  const report = ({ message }: Found): void => complain()("with", message);
  return toDag(raw as RawDefinition, { complain, report, plugIns: "any" });
}

function ms(duration: unknown): number {
  return parseDuration(duration) ?? 0;
}
