/** The fields of definitions as programs give them: those of a file, in camelCase. */
import type { JsonObject } from "../../internal/core/json.ts";
import type { Bindings } from "../../internal/core/bindings.ts";
import type { FilterRule, Select } from "../../internal/core/edge-filter.ts";
import type { InputDeclarations } from "../../internal/core/input-form.ts";
import type { FanMode } from "../../internal/core/fan-out.ts";
import type { Backoff, FailurePolicy } from "../../internal/core/model.ts";
import type { Duration } from "./options.ts";

export interface DagOptions {
  readonly description?: string;
  /** Whose it is. Default `local-dev`. */
  readonly tenantId?: string;
  /** Defaults of the run's params. Default none. */
  readonly params?: JsonObject;
  /** What who starts a run is asked for: params with a label, that may be required. Default none. */
  readonly inputs?: InputDeclarations;
  /** What a task that has failed for good means for the run. Default `continue`. */
  readonly onFailure?: FailurePolicy;
  /** Time limit of the whole run. Default none. */
  readonly timeout?: Duration;
  /** At most so many attempts of one run are queued or running at a time. Default: no limit. */
  readonly maxParallel?: number;
  /** For every task that does not say otherwise; `params` and `env` are put together, key by key. */
  readonly defaults?: Omit<
    TaskOptions,
    "dependsOn" | "name" | "with" | "outputs" | "fanMode" | "edgeFilters" | "bindings"
  > & { readonly type?: string };
  /** Labels to find it by. Default none. */
  readonly tags?: readonly string[];
  /** When runs begin by themselves: a cron text, or that and a time zone. Default: never. */
  readonly schedule?: string | { readonly cron: string; readonly timezone?: string };
  /** No scheduled run before it: an RFC 3339 time, or a date. */
  readonly startDate?: string;
  /** No scheduled run after it. */
  readonly endDate?: string;
  /** Its schedule rests. Default false. */
  readonly isPaused?: boolean;
}

export interface TaskOptions<Dependency extends string = string> {
  /** Tasks that were added before, and have to succeed before this one starts. Default none. */
  readonly dependsOn?: readonly Dependency[];
  /** For people who read the definition. */
  readonly name?: string;
  /** Over the run's params. Default none. */
  readonly params?: JsonObject;
  /** Environment variables of the task. Default none. */
  readonly env?: Readonly<Record<string, string | number | boolean>>;
  /** Further attempts after a failure: n means n + 1 attempts. Default 0. */
  readonly retries?: number;
  /** How long to wait before them. */
  readonly retry?: RetryOptions;
  /** How long it should take at most, for the critical path; nothing is ended by it. */
  readonly sla?: Duration;
  /** What only tasks of this type have, named as in a file: `{ working_dir: "/srv" }`. Default none. */
  readonly with?: JsonObject;
  /** Time limit of one attempt. Default: the executor's, and else the worker's. */
  readonly timeout?: Duration;
  /** Name of the set of workers that may take it. Default `default`, of docker tasks `docker`. */
  readonly queue?: string;
  /** 1 to 9, higher first. Default 5. */
  readonly priority?: number;
  /** Under `allow_partial`: the run fails if this task does not succeed. Default false. */
  readonly critical?: boolean;
  /** Its failure counts as success for what depends on it and for the run. Default false. */
  readonly allowFailure?: boolean;
  /** Files of a bash or docker task that it hands over: paths and patterns in its own folder. Default none. */
  readonly outputs?: readonly string[];
  /** Runs it for each artifact of its dependencies, once for all, or once for all of the same origin. Default: `single` with edge filters; else it runs once, whatever there is. */
  readonly fanMode?: FanMode;
  /** By dependency: which of its artifacts it takes. Default: all. */
  readonly edgeFilters?: Readonly<
    Partial<Record<Dependency, { readonly rules?: readonly FilterRule[]; readonly select?: Select }>>
  >;
  /** By field of its params: where it comes from. They go over all other params. Default none. */
  readonly bindings?: Bindings;
}

export interface RetryOptions {
  /** Default `exponential`. */
  readonly backoff?: Backoff;
  /** Delay after the first failure. Default 1s. */
  readonly initial?: Duration;
  /** Exponential: what each delay is multiplied by (default 2). Linear: by how many `initial` each delay grows (default 1). */
  readonly factor?: number;
  /** No delay is longer than this before jitter. Default 5m. */
  readonly max?: Duration;
  /** Share of the delay that is spread evenly around it, 0 to 1. Default 0.25. */
  readonly jitter?: number;
}
