// One call of a function, wherever it runs.
import { NotSerialisable, toOutput } from "./json-output.mjs";

/**
 * @import { JsonObject } from "../core/json.ts"
 * @import { FailureReason } from "../core/outcome.ts"
 * @import { FunctionContext, TaskCall, TaskFunction, TaskReturn } from "../ports/task-executor.ts"
 */

/**
 * What the function returns is the output, what it throws a failure; never rejects.
 *
 * @param {TaskFunction} fn
 * @param {JsonObject} params
 * @param {FunctionContext} context
 * @returns {Promise<TaskReturn>}
 */
export async function callFunction(fn, params, context) {
  let value;
  try {
    value = await fn(params, context);
  } catch (error) {
    if (error instanceof Error && error.stack !== undefined) context.log(ownFrames(error.stack));
    return failure("function-error", describe(error));
  }
  try {
    return { ok: true, output: toOutput(value) };
  } catch (error) {
    if (error instanceof NotSerialisable) return failure("output-not-serialisable", error.message);
    return failure("output-not-serialisable", `output cannot be read: ${describe(error)}`);
  }
}

/**
 * What the function is told about the attempt.
 *
 * @param {TaskCall} call
 * @returns {FunctionContext["identity"]}
 */
export function identityOf({ runId, task, index, attempt, dagName, tenantId }) {
  return { runId, task, index, attempt, dagName, tenantId };
}

/**
 * Without the frames that called the function.
 *
 * @param {string} stack
 */
function ownFrames(stack) {
  return stack.replace(/\n\s+at (?:async )?callFunction [\s\S]*/, "");
}

/**
 * What was thrown, in one line.
 *
 * @param {unknown} error
 */
export function describe(error) {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  return `${error.name}: ${error.message.split("\n")[0] ?? ""}`;
}

/**
 * @param {FailureReason} reason
 * @param {string} message
 * @returns {TaskReturn & { readonly ok: false }}
 */
export function failure(reason, message) {
  return { ok: false, error: { reason, message } };
}
