/** Cron texts and time zones, as far as they can be judged without acting on them. */
import { Cron } from "croner";
import { shown } from "../core/shown.ts";
import { nearest } from "./problems.ts";

/** Five fields, or six. */
export const CRON = /^[ \t]*[^\s@]\S*(?:[ \t]+\S+){4,5}[ \t]*$/;

export const CRON_RULE =
  "write minute, hour, day, month and day of the week, like '0 9 * * 1-5'; a sixth field before them is the second";
const MAX_LENGTH = 256;
/** Without a year in it, a cron text that fits a time at all does so within eight years of any day. */
const SOME_DAY = new Date(Date.UTC(2000, 0, 1));

/** What is wrong with a cron text. */
export function problemOfCron(text: string): string | undefined {
  const refuse = (reason: string): string => `${shown(text)} is no cron text: ${reason}; ${CRON_RULE}`;
  if (text.length > MAX_LENGTH) return refuse(`it has more than ${MAX_LENGTH} characters`);
  if (!CRON.test(text)) return refuse("it does not have five or six fields");
  try {
    const cron = new Cron(text.trim(), { mode: "5-or-6-parts", timezone: "UTC", paused: true });
    return cron.nextRun(SOME_DAY) === null ? refuse("no day fits it") : undefined;
  } catch (error) {
    return refuse((error as Error).message.replace(/^CronPattern: /, ""));
  }
}

/** What is wrong with the name of a time zone. */
export function problemOfZone(name: string): string | undefined {
  // Newer versions of Node.js take offsets such as +01:00, which know no summer time; older ones do not.
  if (/^[A-Za-z]/.test(name) && isZone(name)) return undefined;
  const near = nearest(name, Intl.supportedValuesOf("timeZone"));
  const hint = near === undefined ? "use an IANA name, like UTC or Europe/Berlin" : `did you mean '${near}'?`;
  return `${shown(name)} is no time zone; ${hint}`;
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
