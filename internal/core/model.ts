/**
 * The definition of a DAG: what to run and what it depends on.
 *
 * These are the plain types that everything inside works with. They are made by `spec` (files and
 * objects of callers) and by `contract` (the wire), which check them; nothing here is checked again.
 */
import type { Bindings } from "./bindings.ts";
import type { FanMode } from "./fan-out.ts";
import type { EdgeFilters } from "./edge-filter.ts";
import type { InputDeclarations } from "./input-form.ts";
import type { JsonObject } from "./json.ts";

export type FailurePolicy = "continue" | "stop" | "allow_partial";

export type Backoff = "exponential" | "linear" | "fixed" | "none";

/** How long to wait before the next attempt after a failure; see `retryDelayMs`. */
export interface RetryPolicy {
  readonly backoff: Backoff;
  /** Delay after the first failure, in milliseconds. Default 1,000. */
  readonly initialMs: number;
  /** Exponential: what each delay is multiplied by (default 2). Linear: by how many `initialMs` each delay grows (default 1). */
  readonly factor: number;
  /** No delay is longer than this before jitter, in milliseconds. Default 300,000. */
  readonly maxMs: number;
  /** Share of the delay that is spread evenly around it, 0 to 1. Default 0.25. */
  readonly jitter: number;
}

export interface Task {
  readonly id: string;
  /** For people to read; nothing goes by it. */
  readonly name?: string;
  /** Canonical name of the task type: `bash`, `http`, `function`, `docker`, `gate`, or that of a plug-in. */
  readonly type: string;
  /** bash, docker: the script; http: `METHOD URL [BODY]`; function: the function's name; gate: nothing. */
  readonly command: string;
  /** What only tasks of this type have: `with` of a file, with every duration in seconds. */
  readonly options: JsonObject;
  readonly params: JsonObject;
  readonly dependsOn: readonly string[];
  /** Further attempts after a failure: n means n + 1 attempts. Default 0. */
  readonly retries: number;
  readonly retry: RetryPolicy;
  /** Time limit of one attempt, in milliseconds; without it the run's default counts, and else the worker's. */
  readonly timeoutMs?: number;
  /** How long it is expected to take at most, in milliseconds; nothing is ended by it. */
  readonly slaMs?: number;
  /** Name of the set of workers that may take it. Default: that of the type, see `defaultQueueOf`. */
  readonly queue: string;
  /** 1 to 9, higher first. Default 5. */
  readonly priority: number;
  /** Under `allow_partial`: the run fails if this task does not succeed. */
  readonly critical: boolean;
  /** Its failure counts as success for what depends on it and for the run. */
  readonly allowFailure: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Patterns of the files in its own folder that it hands over as artifacts. */
  readonly outputs?: readonly string[];
  /** Without it the task runs once, whatever artifacts there are. */
  readonly fanMode?: FanMode;
  /** Where it has no artifacts of its own, those that it depends on stand for them. */
  readonly isPassthrough?: true;
  /** Which artifacts of a dependency it takes. Default: all. */
  readonly edgeFilters?: EdgeFilters;
  /** Go over what it is given. */
  readonly bindings?: Bindings;
  /** Expressions stand in its params or options, see `expressed.ts`. */
  readonly hasExpressions?: true;
}

/** When runs begin by themselves. */
export interface Schedule {
  /** Minute, hour, day of the month, month, day of the week (0 or 7 is Sunday); six fields begin with the second. */
  readonly cron: string;
  /** IANA name of the time zone that the cron text is read in. Default `UTC`. */
  readonly timezone: string;
}

export interface Dag {
  readonly name: string;
  readonly description?: string;
  /** Names to find and group DAGs by, each once. */
  readonly tags: readonly string[];
  /** Default `local-dev`. */
  readonly tenantId: string;
  /** Defaults of the run's params. */
  readonly params: JsonObject;
  /** What is said of params for who starts a run. A default is here or in `params`, not in both. */
  readonly inputs?: InputDeclarations;
  readonly onFailure: FailurePolicy;
  /** Time limit of the whole run, in milliseconds. */
  readonly timeoutMs?: number;
  /** At most so many attempts of one run are queued or running at a time. */
  readonly maxParallel?: number;
  readonly schedule?: Schedule;
  /**
   * No scheduled run is for a time before it: an RFC 3339 time, or a date, which stands for its first moment in the
   * schedule's time zone.
   */
  readonly startDate?: string;
  /** No scheduled run is for a time after it; a date stands for its last moment. */
  readonly endDate?: string;
  /** Its schedule rests. Default false. */
  readonly isPaused: boolean;
  readonly tasks: readonly Task[];
}

/** Time limit of an attempt, in milliseconds, where neither the task nor the run names one. */
export const DEFAULT_TASK_TIMEOUT_MS = 30 * 60 * 1_000;
export const DEFAULT_QUEUE = "default";
export const DEFAULT_TENANT = "local-dev";
export const DEFAULT_PRIORITY = 5;
export const DEFAULT_TIMEZONE = "UTC";

export const EXPONENTIAL_RETRY: RetryPolicy = {
  backoff: "exponential",
  initialMs: 1_000,
  factor: 2,
  maxMs: 300_000,
  jitter: 0.25,
};

export const NO_TAGS: readonly string[] = Object.freeze([]);
export const NO_PARAMS: JsonObject = Object.freeze({});
export const NO_OPTIONS: JsonObject = Object.freeze({});
export const NO_ENV: Readonly<Record<string, string>> = Object.freeze({});
