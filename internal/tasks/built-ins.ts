/** Functions that every worker knows, for trying things out. */
import { setTimeout } from "node:timers/promises";
import type { JsonObject } from "../core/json.ts";
import type { FunctionContext, TaskFunction } from "../ports/task-executor.ts";

export const builtIns: Readonly<Record<string, TaskFunction>> = { echo, sleep, fail };

/** A timer takes no more, and ends at once when it is given more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Returns its params. */
function echo(params: JsonObject): JsonObject {
  return params;
}

/** Waits `params.seconds` (default 5), or until the attempt must end. */
async function sleep(params: JsonObject, { signal }: FunctionContext): Promise<JsonObject> {
  const seconds = params.seconds === undefined ? 5 : Number(params.seconds);
  if (!Number.isFinite(seconds) || seconds < 0)
    throw new Error(`seconds: ${JSON.stringify(params.seconds)} is no duration`);
  try {
    for (let left = seconds * 1_000; left >= 0; left -= LONGEST_TIMER_MS) {
      await setTimeout(Math.min(left, LONGEST_TIMER_MS), undefined, { signal });
    }
  } catch {
    throw new Error("sleep was ended before its time");
  }
  return { slept: seconds };
}

/** Fails with `params.message`. */
function fail(params: JsonObject): never {
  throw new Error(typeof params.message === "string" ? params.message : "failed as asked");
}
