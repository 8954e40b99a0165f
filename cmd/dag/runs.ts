/** `dag runs`: the runs on the cluster, newest first. */
import type { Settings } from "../../internal/config/load.ts";
import { listRuns, type RunFilter, type RunSummary } from "../../internal/executor/run-list.ts";
import { systemClock } from "../../internal/memory/system.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { coloured, shortDuration, table } from "../../internal/telemetry/text.ts";
import { withCluster } from "./cluster.ts";
import { limitOf, moreLine, sinceOf } from "./list-flags.ts";
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
  process.stdout.write(`${[...painted, ...moreLine(found.length, filter.limit)].join("\n")}\n`);
  return 0;
}

function paint(line: string, state: RunSummary["state"] | undefined): string {
  return state === undefined ? line : line.replace(` ${state} `, ` ${coloured(state)} `);
}

function filterOf({ dag, tenant, state, since, limit }: RunsFlags): RunFilter {
  return {
    limit: limitOf(limit),
    ...(dag === undefined ? {} : { dag }),
    ...(tenant === undefined ? {} : { tenantId: tenant }),
    ...(state === undefined ? {} : { state: stateOf(state) }),
    ...(since === undefined ? {} : { since: sinceOf(since) }),
  };
}

function stateOf(text: string): (typeof STATES)[number] {
  const state = STATES.find((each) => each === text);
  if (state === undefined)
    throw new UsageError(`--state: '${text}' is none: use one of ${STATES.join(", ")}`);
  return state;
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
