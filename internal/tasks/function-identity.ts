import { attemptKey } from "../core/attempt.ts";
import type { FunctionIdentity, TaskCall } from "../ports/task-executor.ts";

/** What a function is told of who it is. */
export function identityOf(call: TaskCall): FunctionIdentity {
  const { runId, task, index, attempt, dagName, tenantId } = call;
  return { runId, task, index, attempt, dagName, tenantId, idempotencyKey: attemptKey(call) };
}
