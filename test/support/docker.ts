/** A real Docker engine: .ci/setup starts one, and names an image that it made in TEST_TASK_IMAGE. */
import { DEFAULT_ARTIFACT_LIMITS } from "../../internal/core/new-artifact.ts";
import { execFile } from "node:child_process";
import { DockerTaskExecutor, type DockerOptions } from "../../internal/tasks/docker.ts";
import { type DockerLimits, DockerPolicy } from "../../internal/tasks/docker-policy.ts";
import type { TaskCall, TaskContext, TaskReturn } from "../../internal/ports/task-executor.ts";
import { until } from "./until.ts";

/** An image with busybox; where it is named, an engine must be there. */
export const TASK_IMAGE = process.env.TEST_TASK_IMAGE;

/** Leads to the engine itself, wherever a test leads others. */
const ENGINE = { ...process.env };

/** What Docker's own client prints; rejects with all that it said. */
export function docker(...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("docker", args, { env: ENGINE, maxBuffer: 16 * 1_024 * 1_024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`docker ${args.join(" ")}:\n${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`));
    });
  });
}

/** Names of the containers of a run, also of those that have ended. */
export async function containersOf(runId: string): Promise<string[]> {
  const filter = `label=jetdag.run=${runId}`;
  const names = await docker("ps", "--all", "--filter", filter, "--format", "{{.Names}}");
  return names.split("\n").filter((name) => name !== "");
}

/** The only container of a run, once it is there. */
export async function containerOf(runId: string): Promise<string> {
  return until(async () => (await containersOf(runId))[0]);
}

/** Waits until nothing is left of a run. */
export async function allGone(runId: string): Promise<void> {
  const look = (): Promise<string[]> => containersOf(runId);
  await until(async () => (await look()).length === 0, look, 60_000);
}

export async function openExecutor(
  limits: DockerLimits = {},
  options: Partial<DockerOptions> = {},
): Promise<DockerTaskExecutor> {
  const policy = DockerPolicy.of({ dockerImage: TASK_IMAGE ?? "", ...limits });
  if (!(policy instanceof DockerPolicy)) throw new Error(policy.wrong);
  const nobody = (): void => undefined;
  return DockerTaskExecutor.open({ policy, worker: "test", onGone: nobody, onNews: nobody, ...options });
}

let runs = 0;

export function callOf(command: string, more: Partial<TaskCall> = {}): TaskCall {
  return {
    runId: `test-${process.pid}-${++runs}`,
    task: "t",
    index: 0,
    attempt: 1,
    dagName: "d",
    tenantId: "x",
    type: "docker",
    command,
    options: {},
    params: {},
    env: {},
    ...more,
  };
}

export function contextOf(more: Partial<TaskContext> = {}): TaskContext {
  return {
    signal: new AbortController().signal,
    graceMs: 5_000,
    deadline: Date.now() + 60_000,
    log: () => undefined,
    print: () => undefined,
    masked: (text) => text,
    artifactLimits: DEFAULT_ARTIFACT_LIMITS,
    atEnd: () => undefined,
    ...more,
  };
}

/** Runs one call to its end. */
export async function perform(
  executor: DockerTaskExecutor,
  command: string,
  more: Partial<TaskCall> = {},
): Promise<TaskReturn> {
  return executor.execute(callOf(command, more), contextOf());
}
