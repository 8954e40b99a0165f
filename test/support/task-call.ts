/** What a task executor is given. */
import { DEFAULT_ARTIFACT_LIMITS } from "../../internal/core/new-artifact.ts";
import type { TaskCall, TaskContext } from "../../internal/ports/task-executor.ts";

export function call(command: string, more: Partial<TaskCall> = {}): TaskCall {
  const ids = { runId: "r", task: "t", index: 0, attempt: 2, dagName: "d", tenantId: "x" };
  return { ...ids, type: "bash", command, options: {}, params: {}, env: {}, ...more };
}

export function context(signal: TaskContext["signal"] = new AbortController().signal): TaskContext {
  const deadline = Date.now() + 60_000;
  return {
    signal,
    graceMs: 300,
    deadline,
    log: () => undefined,
    print: () => undefined,
    masked: (text) => text,
    artifactLimits: DEFAULT_ARTIFACT_LIMITS,
    atEnd: () => undefined,
  };
}
