/** Attempts that hand over artifacts, and are given some: run as a worker runs them, on values in memory. */
import { toRecord } from "../../internal/core/artifact-record.ts";
import type { ProducedArtifact } from "../../internal/core/artifact.ts";
import type { GivenArtifacts, Work } from "../../internal/core/attempt.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { DEFAULT_ARTIFACT_LIMITS, type NewArtifact } from "../../internal/core/new-artifact.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { MemoryBlobs } from "../../internal/memory/blobs.ts";
import { systemRandom } from "../../internal/memory/system.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";
import type { Blobs } from "../../internal/ports/blobs.ts";
import type { TaskCall, TaskContext, TaskExecutor, TaskReturn } from "../../internal/ports/task-executor.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import { type AttemptOptions, runAttempt, Stop } from "../../internal/worker/attempt.ts";
import { WORK } from "../conformance/samples.ts";
import { ManualClock } from "./manual-clock.ts";
import { noLogs } from "./no-logs.ts";
import { secretsOf } from "./secrets.ts";

/** Where all of them store and look, unless they are told another place. */
export const blobs: Blobs = new MemoryBlobs();

export type Execute = (call: TaskCall, context: TaskContext) => TaskReturn | Promise<TaskReturn>;

export interface More extends Partial<AttemptOptions> {
  readonly work?: Partial<Work>;
  readonly given?: GivenArtifacts;
  readonly own?: JsonObject;
  readonly stop?: Stop;
  readonly seesFiles?: TaskExecutor["seesFiles"];
}

export async function run(
  execute: Execute,
  { work, given, own = {}, stop = new Stop(), seesFiles, ...more }: More = {},
): Promise<Outcome> {
  const inputs = {
    run: { inline: {} },
    own,
    upstream: [],
    ...(given === undefined ? {} : { artifacts: given }),
  };
  const executor = {
    type: "test",
    execute: async (call: TaskCall, context: TaskContext): Promise<TaskReturn> => execute(call, context),
    ...(seesFiles === undefined ? {} : { seesFiles }),
  };
  return runAttempt({ ...WORK, type: "test", inputs: { inline: inputs }, ...work }, stop, {
    workerId: "w",
    taskTimeoutMs: 60_000,
    blobs,
    files: hostFiles,
    artifactLimits: DEFAULT_ARTIFACT_LIMITS,
    tell: async () => undefined,
    clock: new ManualClock(),
    random: systemRandom,
    patterns: linearPatterns(),
    registry: new TaskExecutorRegistry([executor]),
    graceMs: 10,
    inlineLimit: 64 * 1_024,
    attemptLogs: noLogs,
    secrets: secretsOf({ TOKEN: "s3cr3t-t0k3n" }),
    ...more,
  });
}

export function handOver(artifacts: readonly NewArtifact[], more: More = {}): Promise<Outcome> {
  return run(() => ({ ok: true, output: {}, artifacts }), more);
}

export function inline(outcome: Outcome): readonly ProducedArtifact[] {
  if (outcome.state === "completed" && outcome.artifacts !== undefined && "inline" in outcome.artifacts)
    return outcome.artifacts.inline;
  throw new Error(JSON.stringify(outcome).slice(0, 2_000));
}

export function given(
  artifacts: readonly ProducedArtifact[],
  more: Partial<GivenArtifacts> = {},
): GivenArtifacts {
  return {
    items: artifacts.map((each) => toRecord({ origin: null, producedBy: "extract", ...each })),
    ...more,
  };
}
