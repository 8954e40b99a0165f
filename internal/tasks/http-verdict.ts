/** What an answer means for the attempt. */
import { isAmong } from "../core/http-status.ts";
import type { HttpTaskOptions } from "../core/http-options.ts";
import type { TaskError } from "../core/outcome.ts";
import type { HttpAnswer } from "./http-exchange.ts";

/** Who says that a server is to be left alone for longer is asked again after that. */
const MAX_WAIT_MS = 3_600_000;

/** Why an answer is none that was hoped for; `what` begins the message. */
export function errorOfStatus(
  what: string,
  { status, headers }: Pick<HttpAnswer, "status" | "headers">,
  options: HttpTaskOptions,
): TaskError | undefined {
  const { expect_status: expected, retry_status: worthIt } = options;
  if (expected === undefined ? status < 400 : isAmong(status, expected)) return undefined;
  const hoped = expected === undefined ? "" : `, expected ${expected.join(", ")}`;
  const againAfterMs = waitOf(headers);
  return {
    reason: "http-status",
    message: `${what} answered ${status}${hoped}`,
    ...(worthIt === undefined || isAmong(status, worthIt) ? {} : { isFinal: true }),
    ...(againAfterMs === undefined ? {} : { againAfterMs }),
  };
}

/** `Retry-After` in milliseconds: seconds, or a date, which is held against the server's own clock where it tells it. */
function waitOf({ "retry-after": after, date }: HttpAnswer["headers"]): number | undefined {
  if (typeof after !== "string") return undefined;
  const text = after.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - timeOf(date);
  return ms > 0 ? Math.min(ms, MAX_WAIT_MS) : undefined;
}

function timeOf(date: string | string[] | undefined): number {
  const time = Date.parse(String(date));
  return Number.isNaN(time) ? Date.now() : time;
}
