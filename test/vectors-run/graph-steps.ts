/** Runs a case of graph.json step by step, however its run is driven, and compares what follows from each step. */
import type { RunStatus } from "../../cmd/library/engine.ts";
import type { Event, Expected, GraphCase, TaskKey } from "./graph-case.ts";
import { differences, type Vector } from "./vector.ts";

/** A task that was dispatched. */
export type Dispatched = TaskKey & { readonly input_artifacts: readonly string[] | null };

/** What has followed from a step. */
export interface Happened {
  /** In order; also what was launched and cancelled in the one step. */
  readonly dispatched: readonly Dispatched[];
  readonly status: RunStatus;
  /** The ends that were told. */
  readonly ends: readonly string[];
  /** What else is not as it should be. */
  readonly wrong?: readonly string[];
}

/** One run, driven in one way. */
export interface GraphRun {
  /** Whether the pipeline is refused. */
  isRefused(): Promise<boolean>;
  act(event: Event): Promise<Happened>;
}

/** A line for each difference. */
export async function runSteps(given: Vector & GraphCase, run: GraphRun): Promise<string[]> {
  if (given.start_error !== undefined) return (await run.isRefused()) ? [] : ["it was started"];
  const wrong: string[] = [];
  let before: RunStatus | undefined;
  for (const [i, { event, expect }] of (given.steps ?? []).entries()) {
    const happened = await run.act(event);
    const actual = toldOf(happened, event, before);
    before = happened.status;
    const wanted = { ...expect, dispatched: expect.dispatched.map(wantedOf) };
    const lines = [...differences(actual, wanted), ...(happened.wrong ?? [])];
    wrong.push(...lines.map((line) => `step ${i}: ${line}`));
  }
  return wrong;
}

export function keyOf({ node, input, origin }: TaskKey): string {
  return JSON.stringify([node, input, origin]);
}

function toldOf(
  { dispatched, status, ends }: Happened,
  event: Event,
  before: RunStatus | undefined,
): Record<keyof Expected, unknown> {
  const newly = (state: "skipped" | "filtered" | "failed"): string[] =>
    Object.keys(status.nodes).filter(
      (slug) => status.nodes[slug]?.[state] !== undefined && before?.nodes[slug]?.[state] === undefined,
    );
  return {
    dispatched,
    skipped: newly("skipped"),
    filtered: newly("filtered"),
    // A retry takes them away: what has one after it was launched again.
    failed_markers: failedMarkers(status, "retry" in event ? Object.keys(status.nodes) : newly("failed")),
    nodes: Object.fromEntries(
      Object.entries(status.nodes).map(([slug, counts]) => [slug, counts ?? "not_launched"]),
    ),
    run: status.state,
    callbacks: ends,
  };
}

/** Without what an early release of the reference handed on. */
function wantedOf({ node, input, origin, input_artifacts }: Expected["dispatched"][number]): object {
  return { node, input, origin, input_artifacts };
}

/** What could not be launched says how much it was. */
function failedMarkers({ problems }: RunStatus, failed: readonly string[]): object[] {
  return failed.flatMap((node) => {
    const problem = problems[node];
    if (problem === undefined) return [];
    const [, count, unit, max] = /^(\d+) (artifacts|groups), .* (\d+) instances/.exec(problem) ?? [];
    return [
      { node, kind: "fan_out_limit", count: Number(count), max: Number(max), grouped: unit === "groups" },
    ];
  });
}
