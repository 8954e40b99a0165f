/** Creates the streams that are missing. Several processes may do so at once, and one that may not goes on with what is there. */
import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import type { Bounds, StreamSpec } from "../contract/streams.ts";
import { CODES, isApiError, isDenied } from "./answers.ts";
import { ConnectFailed } from "./connection.ts";
import { patiently } from "./patience.ts";

const MIB = 1_024 * 1_024;
const NANOS = 1_000_000;
const SHORT_WINDOW_MS = 60_000;

/** A stream is there, but not as it has to be: what is promised would not hold. */
export class WrongStream extends Error {
  readonly code = "WRONG_STREAM";
  constructor(message: string) {
    super(message);
    this.name = "WrongStream";
  }
}

/** What the promises rest on; anything else (replicas, placement, limits) is the operator's. */
type Required = Pick<
  StreamConfig,
  "retention" | "discard" | "max_msgs_per_subject" | "discard_new_per_subject"
>;

export async function ensureStream(
  jsm: JetStreamManager,
  spec: StreamSpec,
  onTrouble: (what: string) => void,
): Promise<void> {
  const found = await findStream(jsm, spec);
  if (found !== undefined) return;
  try {
    await patiently(() => jsm.streams.add(toConfig(spec)));
  } catch (error) {
    if (isApiError(error, CODES.noRoomForStream)) throw noRoom(spec, error as Error);
    if (isDenied(error)) {
      onTrouble(`the stream ${spec.name} is missing, and this user may not create it`);
      return;
    }
    if (!isApiError(error, CODES.streamExists)) throw error;
    // Another process was first.
    await findStream(jsm, spec);
  }
}

function noRoom({ name, keepNewest }: StreamSpec, { message }: Error): ConnectFailed {
  const needed = keepNewest === undefined ? "" : `, which reserves ${keepNewest.bytes / MIB} MiB`;
  const advice = "give JetStream more room: max_file_store of the server, or the account's limit";
  return new ConnectFailed(
    "no-room",
    `there is no room for the stream ${name}${needed} (${message}): ${advice}`,
  );
}

/** Rejects with `WrongStream` when it is not as it has to be. `hidden`: this user may not ask. */
export async function findStream(
  jsm: JetStreamManager,
  spec: StreamSpec,
): Promise<StreamConfig | "hidden" | undefined> {
  try {
    const { config } = await patiently(() => jsm.streams.info(spec.name));
    check(spec, config);
    return config;
  } catch (error) {
    if (isApiError(error, CODES.streamNotFound)) return undefined;
    if (isDenied(error)) return "hidden";
    throw error;
  }
}

function check(spec: StreamSpec, config: StreamConfig): void {
  const wrong = Object.entries(required(spec))
    .filter(([key, value]) => (config[key as keyof Required] ?? false) !== value)
    .map(([key, value]) => `${key} must be ${value}`);
  if (wrong.length === 0) return;
  const advice = "correct it, remove it, or use another namespace";
  throw new WrongStream(`the stream ${spec.name} exists with other settings: ${wrong.join(", ")}; ${advice}`);
}

function required({ retention, perSubject }: StreamSpec): Required {
  const isFirst = perSubject === "first";
  return {
    retention: retention === "workqueue" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    discard: isFirst ? DiscardPolicy.New : DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    discard_new_per_subject: isFirst,
  };
}

function toConfig(spec: StreamSpec): Pick<StreamConfig, "name"> & Partial<StreamConfig> {
  const { name, subjects, keepNewest } = spec;
  return {
    name,
    subjects: [subjects],
    storage: StorageType.File,
    allow_direct: true,
    ...required(spec),
    ...(keepNewest === undefined ? {} : boundsOf(keepNewest)),
  };
}

export function boundsOf({ messages: max_msgs, bytes: max_bytes, ageMs }: Bounds): Partial<StreamConfig> {
  if (ageMs === undefined) return { max_msgs, max_bytes };
  // The server takes no window that is longer than the age.
  const duplicate_window = Math.min(ageMs, SHORT_WINDOW_MS) * NANOS;
  return { max_msgs, max_bytes, max_age: ageMs * NANOS, duplicate_window };
}
