/** What the server's refusals mean. Told apart here and nowhere else. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { PermissionViolationError, RequestError, TimeoutError } from "@nats-io/transport-node";

export interface ApiError {
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

/** refused: the subject is taken, first write won. full: no room now. busy: no answer now. fatal: it will never work. */
export type Verdict = "refused" | "full" | "busy" | "fatal";

export const CODES = {
  notEnabled: 10_076,
  notEnabledForAccount: 10_039,
  streamNotFound: 10_059,
  streamExists: 10_058,
  /** Of the server, or of the account: what it reserves is not there. */
  noRoomForStream: [10_047, 10_028, 10_002, 10_023],
  /** The same of several servers together; and what they say when some of them are missing. */
  noPeers: 10_005,
  consumerNotFound: 10_014,
  /** Whether the name is taken, the settings differ, or it is in use: it is there. */
  consumerExists: [10_013, 10_105, 10_148],
  messageNotFound: 10_037,
  /** Deleting what is gone already: newer and older servers. */
  nothingToDelete: [10_043, 10_057],
  wrongLastSequence: [10_071, 10_164],
} as const;

const STORE_FAILED = 10_077;
const NO_RESOURCES = 10_023;
/** The server cannot do it now: not the leader, no quorum, starting. */
const BUSY = new Set([10_008, 10_009, 10_118]);

/** What the answer to a publish means. The same code stands for a taken subject and for a full stream; only the text tells. */
export function judge({ code, err_code, description }: ApiError): Verdict {
  if (err_code === STORE_FAILED) return description.includes("per subject") ? "refused" : "full";
  if (err_code === NO_RESOURCES || /insufficient|resource limits/i.test(description)) return "full";
  return code === 503 || code === 500 ? "busy" : "fatal";
}

export function isApiError(error: unknown, codes: number | readonly number[]): boolean {
  return error instanceof JetStreamApiError && [codes].flat().includes(error.code);
}

/** No room now. */
export function isFull(error: unknown): boolean {
  return error instanceof JetStreamApiError && judge(error.apiError()) === "full";
}

/** This user may not ask this. */
export function isDenied(error: unknown): boolean {
  return (
    error instanceof PermissionViolationError ||
    (error instanceof Error && error.cause instanceof PermissionViolationError)
  );
}

/** A request found nobody who hears it: no connection has a subscription there. */
export function isNobodyThere(error: unknown): boolean {
  return error instanceof RequestError && error.isNoResponders();
}

/** No answer now, and perhaps later: a time-out, a lost connection, an election, nobody there yet. */
export function isPassing(error: unknown): boolean {
  if (isDenied(error)) return false;
  if (error instanceof JetStreamApiError) return error.status === 503 || BUSY.has(error.code);
  if (error instanceof TimeoutError || error instanceof RequestError) return true;
  return error instanceof Error && error.name === "JetStreamNotEnabled" && isNoAnswer(error.cause);
}

/** The client calls it the same whether nobody answers or the server says that it has no JetStream. */
function isNoAnswer(cause: unknown): boolean {
  return !(cause instanceof JetStreamApiError);
}
