/**
 * The stream of the logs. Its bounds can be set, and it is never a reason not to work: with little room fewer logs are
 * kept, and with none no logs.
 *
 * A server that bounds a stream reserves the room for it, and refuses what is created later when all is reserved. So of
 * the room that is left a quarter is taken at most.
 */
import type { StreamConfig } from "@nats-io/jetstream";
import { LOG_BOUNDS, type LogBounds, logsSpec } from "../contract/streams.ts";
import { CODES, isApiError, isDenied } from "./answers.ts";
import { ConnectFailed } from "./connection.ts";
import type { Context } from "./context.ts";
import { patiently } from "./patience.ts";
import { boundsOf, ensureStream, findStream } from "./streams.ts";

const PART = 4;
/** With less room for logs there are none, in bytes. */
const SMALLEST = 64 * 1_024;

type LogContext = Pick<Context, "jsm" | "names" | "onTrouble">;

/** Who is `given` bounds sets them, also where it exists. */
export async function ensureLogs(context: LogContext, given: LogBounds | undefined): Promise<void> {
  const { jsm, names } = context;
  const bounds = given ?? LOG_BOUNDS;
  const found = await findStream(jsm, logsSpec(names, bounds));
  if (found === "hidden") return;
  if (found === undefined) await create(context, bounds);
  else if (given !== undefined) await change(context, found, given);
}

async function create(context: LogContext, wanted: LogBounds): Promise<void> {
  const { jsm, names, onTrouble } = context;
  for (let { bytes } = wanted; bytes >= SMALLEST; bytes = Math.floor(bytes / PART)) {
    const room = logsSpec(names, { ...wanted, bytes: bytes * PART });
    if (!(await fits(ensureStream(jsm, room, onTrouble)))) continue;
    const found = await findStream(jsm, room);
    // Somebody else may have created it, or an executor has set its bounds since.
    if (typeof found === "object" && found.max_bytes === bytes * PART)
      await setBounds(context, { ...wanted, bytes });
    if (bytes < wanted.bytes) tellLess(context, wanted.bytes, bytes);
    return;
  }
  onTrouble("the server has no room for the logs of tasks: none are kept");
}

async function change(context: LogContext, present: StreamConfig, wanted: LogBounds): Promise<void> {
  const { max_bytes: bytes, max_age } = present;
  const { max_age: age } = boundsOf(logsSpec(context.names, wanted).keepNewest);
  if (bytes === wanted.bytes && max_age === age) return;
  if (await fits(setBounds(context, wanted))) return;
  await setBounds(context, { ...wanted, bytes });
  tellLess(context, wanted.bytes, bytes);
}

async function setBounds({ jsm, names, onTrouble }: LogContext, bounds: LogBounds): Promise<void> {
  const { name, keepNewest } = logsSpec(names, bounds);
  try {
    await patiently(() => jsm.streams.update(name, boundsOf(keepNewest)));
  } catch (error) {
    if (!isDenied(error)) throw error;
    onTrouble(`this user may not set the bounds of the stream ${name}: they stay as they are`);
  }
}

function tellLess({ onTrouble }: LogContext, wanted: number, bytes: number): void {
  const what = `${wanted} bytes of logs (--logs-bytes)`;
  onTrouble(
    `the server has no room for ${what}: ${bytes} are kept; give JetStream more room (max_file_store)`,
  );
}

/** Rejects with any other error. */
async function fits(attempt: Promise<unknown>): Promise<boolean> {
  try {
    await attempt;
    return true;
  } catch (error) {
    const isNoRoom = error instanceof ConnectFailed && error.reason === "no-room";
    if (isNoRoom || isApiError(error, [...CODES.noRoomForStream, CODES.noPeers])) return false;
    throw error;
  }
}
