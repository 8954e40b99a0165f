/** `dag runs`: the runs on the cluster, newest first. */
import type { Settings } from "../../internal/config/load.ts";
import { listRuns, type RunFilter, type RunSummary } from "../../internal/executor/run-list.ts";
import { systemClock } from "../../internal/memory/system.ts";
import { parseDuration } from "../../internal/spec/duration.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { coloured, shortDuration, table } from "../../internal/telemetry/text.ts";
import { withCluster } from "./cluster.ts";
import { UsageError } from "./usage-error.ts";

export interface RunsFlags {
  readonly json: boolean;
  readonly dag?: string;
  readonly tenant?: string;
  readonly state?: string;
  readonly since?: string;
  readonly limit?: string;
}

const STATES = ["running", "completed", "failed", "crashed", "cancelled"] as const;
const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 100_000;

export async function runs(flags: RunsFlags, settings: Settings): Promise<number> {
  const filter = filterOf(flags);
  const found = await withCluster(settings, (cluster) =>
    listRuns(filter, { ...cluster, clock: systemClock }),
  );
  if (flags.json) {
    for (const run of found) process.stdout.write(`${toJson(run)}\n`);
    return 0;
  }
  if (found.length === 0) {
    process.stdout.write("no such run\n");
    return 0;
  }
  const rows = found.map((run) => [
    run.runId,
    run.dag,
    run.state,
    localTime(run.submittedAt),
    shortDuration(run.durationMs),
  ]);
  const lines = table([["RUN", "DAG", "STATE", "SUBMITTED", "TIME"], ...rows], {
    width: lineWidth(),
    whole: 0,
  });
  const painted = lines.map((line, i) => paint(line, found[i - 1]?.state));
  const more = found.length === filter.limit ? [`the newest ${filter.limit}; --limit N shows more`] : [];
  process.stdout.write(`${[...painted, ...more].join("\n")}\n`);
  return 0;
}

function paint(line: string, state: RunSummary["state"] | undefined): string {
  return state === undefined ? line : line.replace(` ${state} `, ` ${coloured(state)} `);
}

function filterOf({ dag, tenant, state, since, limit }: RunsFlags): RunFilter {
  return {
    limit: limit === undefined ? DEFAULT_LIMIT : limitOf(limit),
    ...(dag === undefined ? {} : { dag }),
    ...(tenant === undefined ? {} : { tenantId: tenant }),
    ...(state === undefined ? {} : { state: stateOf(state) }),
    ...(since === undefined ? {} : { since: sinceOf(since) }),
  };
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new UsageError(`--limit: '${text}' is not allowed: use a whole number from 1 to ${MAX_LIMIT}`);
}

function stateOf(text: string): (typeof STATES)[number] {
  const state = STATES.find((each) => each === text);
  if (state === undefined)
    throw new UsageError(`--state: '${text}' is none: use one of ${STATES.join(", ")}`);
  return state;
}

/** A length of time back from now, or a point in time. */
function sinceOf(text: string): number {
  const back = parseDuration(text);
  if (back !== undefined) return systemClock.now() - back;
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `--since: '${text}' is not allowed: use a length of time such as 90m or 24h, or a time such as 2026-01-31 or 2026-01-31T08:00:00Z`,
  );
}

function toJson({ runId, dag, tenantId, state, submittedAt, durationMs }: RunSummary): string {
  return JSON.stringify({
    run_id: runId,
    dag,
    tenant: tenantId,
    state,
    submitted_at: new Date(submittedAt).toISOString(),
    duration_ms: Math.round(durationMs),
  });
}
