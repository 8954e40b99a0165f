// One call of a function, wherever it runs.
import { handsOver, isSkip } from "./define-function.mjs";
import { NotSerialisable, toArtifacts, TooLarge, toOutput } from "./json-output.mjs";
import { checkBy } from "./schema-check.mjs";
import { describe, failureOf, isError, messageOf } from "./thrown.mjs";

/**
 * @import { JsonObject } from "../core/json.ts"
 * @import { FailureReason } from "../core/outcome.ts"
 * @import { NewArtifact } from "../core/new-artifact.ts"
 * @import { FunctionContext, TaskReturn } from "../ports/task-executor.ts"
 * @import { DefinedFunction, FunctionArtifact } from "./defined-function.ts"
 */

/** A line on progress may come as soon after the one before. */
const PROGRESS_MS = 1_000;

/**
 * What the function returns is the output, what it throws a failure; never rejects.
 *
 * @param {DefinedFunction} fn
 * @param {JsonObject} params
 * @param {FunctionContext} context
 * @returns {Promise<TaskReturn>}
 */
export async function callFunction(fn, params, context) {
  try {
    const given = await checkBy(fn.params, params, "params");
    if ("wrong" in given) return failure("bad-input", given.wrong);
    const { handler, result: schema } = fn;
    const returned = await handler(/** @type {never} */ (given.value), context);
    if (!handsOver(returned)) return await answerOf(schema, returned);
    const answer = await answerOf(schema, returned.output);
    return answer.ok ? withArtifacts(answer, returned.artifacts) : answer;
  } catch (thrown) {
    return ended(thrown, context);
  }
}

/**
 * @param {DefinedFunction["result"]} schema
 * @param {unknown} returned
 * @returns {Promise<TaskReturn>}
 */
async function answerOf(schema, returned) {
  const result = await checkBy(schema, returned, "result");
  return "wrong" in result ? failure("bad-output", result.wrong) : outputOf(result.value);
}

/**
 * What is in them is judged by who hands them on.
 *
 * @param {TaskReturn & { readonly ok: true }} answer
 * @param {readonly FunctionArtifact[]} artifacts
 * @returns {TaskReturn}
 */
function withArtifacts(answer, artifacts) {
  try {
    const all = /** @type {NewArtifact[]} */ (toArtifacts(artifacts));
    return { ...answer, artifacts: all };
  } catch (error) {
    return failure("output-not-serialisable", whyNot(error));
  }
}

/**
 * @param {unknown} thrown
 * @param {FunctionContext} context
 * @returns {TaskReturn}
 */
function ended(thrown, context) {
  if (isError(thrown) && isSkip(thrown)) return { ok: true, output: {}, skipped: messageOf(thrown) };
  const { stack, ...rest } = failureOf(thrown);
  if (stack !== undefined) context.log(stack);
  return { ok: false, ...rest };
}

/**
 * @param {unknown} value
 * @returns {TaskReturn}
 */
function outputOf(value) {
  try {
    return { ok: true, output: toOutput(value) };
  } catch (error) {
    return failure("output-not-serialisable", whyNot(error));
  }
}

const TOO_DEEP = "the output has objects or lists within each other too deep to be written as JSON";

/** @param {unknown} error */
function whyNot(error) {
  if (error instanceof NotSerialisable || error instanceof TooLarge) return error.message;
  if (error instanceof RangeError && error.message.includes("call stack")) return TOO_DEEP;
  return `output cannot be read: ${describe(error)}`;
}

/**
 * What a function is given of its attempt: its progress goes into the log, a line a second at most.
 *
 * @param {Omit<FunctionContext, "progress">} context
 * @returns {FunctionContext}
 */
export function functionContext(context) {
  let told = "";
  let toldAt = -Infinity;
  /** @type {FunctionContext["progress"]} */
  const progress = (fraction, note) => {
    const share = Math.min(Math.max(fraction, 0), 1);
    if (Number.isNaN(share)) return;
    const line = `progress ${Math.floor(share * 100)} %${note === undefined ? "" : `: ${note}`}`;
    const now = performance.now();
    if (line === told || (share < 1 && now - toldAt < PROGRESS_MS)) return;
    told = line;
    toldAt = now;
    context.log(line);
  };
  return { ...context, progress };
}

/**
 * @param {FailureReason} reason
 * @param {string} message
 * @returns {TaskReturn & { readonly ok: false }}
 */
export function failure(reason, message) {
  return { ok: false, error: { reason, message } };
}
