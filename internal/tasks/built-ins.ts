/** Functions that every worker knows, for trying things out. */
import type { JsonObject } from "../core/json.ts";
import type { FunctionContext, TaskFunction } from "../ports/task-executor.ts";

export const builtIns: Readonly<Record<string, TaskFunction>> = { echo, sleep, fail };

/** Returns its params. */
function echo(params: JsonObject): JsonObject {
  return params;
}

/** Waits `params.seconds` (default 5), or until the attempt must end. */
async function sleep(params: JsonObject, { signal }: FunctionContext): Promise<JsonObject> {
  const seconds = params.seconds === undefined ? 5 : Number(params.seconds);
  if (!Number.isFinite(seconds) || seconds < 0)
    throw new Error(`seconds: ${JSON.stringify(params.seconds)} is no duration`);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, seconds * 1_000);
    const end = (): void => {
      clearTimeout(timer);
      reject(new Error("sleep was ended before its time"));
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
  return { slept: seconds };
}

/** Fails with `params.message`. */
function fail(params: JsonObject): never {
  throw new Error(typeof params.message === "string" ? params.message : "failed as asked");
}
