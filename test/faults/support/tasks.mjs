// The functions of the workers under test. Each writes down what it does, in a file that outlives its process: one line
// at its start and one at its end, each by a single write at the end of the file, so that lines of many processes
// never mix. What was killed leaves a start without an end.
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const { TRUTH_FILE = "", TRUTH_WORKER = "" } = process.env;

/**
 * @typedef {import("../../../internal/ports/task-executor.ts").FunctionContext} Context
 * @typedef {import("../../../internal/core/json.ts").JsonObject} Params
 * @typedef {import("./evidence.ts").TruthLine} TruthLine
 */

/** @param {Omit<TruthLine, "time">} line */
function write(line) {
  appendFileSync(TRUTH_FILE, `${JSON.stringify({ ...line, time: Date.now() })}\n`);
}

/**
 * @param {Params} params
 * @param {Context} context
 */
function begin(params, { identity: { runId: run, task, attempt } }) {
  const token = randomUUID();
  const inputs = Object.fromEntries(
    Object.entries(params).flatMap(([key, value]) =>
      key.endsWith("__token") && typeof value === "string" ? [[key.slice(0, -"__token".length), value]] : [],
    ),
  );
  const who = { run, task, attempt, worker: TRUTH_WORKER, token };
  write({ event: "start", ...who, inputs });
  return {
    token,
    /** @param {NonNullable<TruthLine["how"]>} how */
    end: (how) => write({ event: "end", ...who, how }),
  };
}

/**
 * Takes `ms` milliseconds; fails while its attempt is not above `fails`.
 * @param {Params} params
 * @param {Context} context
 */
export async function work(params, context) {
  const { token, end } = begin(params, context);
  try {
    await pause(Number(params.ms), undefined, { signal: context.signal });
  } catch (error) {
    end("stopped");
    throw error;
  }
  const isGood = context.identity.attempt > Number(params.fails ?? 0);
  end(isGood ? "completed" : "failed");
  if (!isGood) throw new Error("as it was told to");
  return { token };
}

/**
 * Holds its thread for `ms` milliseconds, and hears of nothing.
 * @param {Params} params
 * @param {Context} context
 */
export function block(params, context) {
  const { token, end } = begin(params, context);
  const until = performance.now() + Number(params.ms);
  while (performance.now() < until);
  end("completed");
  return { token };
}

/**
 * Kills the process that it runs in.
 * @param {Params} params
 * @param {Context} context
 */
export async function poison(params, context) {
  begin(params, context);
  process.kill(process.pid, "SIGKILL");
  // The signal may take a moment; nothing may come of it.
  await pause(60_000);
}
