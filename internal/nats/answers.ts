/** What the server's refusals mean. Told apart here and nowhere else. */
import { JetStreamApiError } from "@nats-io/jetstream";

export interface ApiError {
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

/** refused: the subject is taken, first write won. full: no room now. busy: no answer now. fatal: it will never work. */
export type Verdict = "refused" | "full" | "busy" | "fatal";

const LIMITS = 10_077;
const NO_RESOURCES = 10_023;
const WRONG_LAST_SEQUENCE = 10_071;

/** The same code stands for a taken subject and for a full stream; only the text tells. */
export function judge({ code, err_code, description }: ApiError): Verdict {
  if (err_code === LIMITS) return description.includes("per subject") ? "refused" : "full";
  if (err_code === NO_RESOURCES || /insufficient|resource limits/i.test(description)) return "full";
  return code === 503 || code === 500 ? "busy" : "fatal";
}

export function isApiError(error: unknown, ...codes: number[]): boolean {
  return error instanceof JetStreamApiError && codes.includes(error.code);
}

export const CODES = {
  streamNotFound: 10_059,
  streamExists: 10_058,
  consumerNotFound: 10_014,
  consumerExists: 10_148,
  messageNotFound: 10_037,
  wrongLastSequence: WRONG_LAST_SEQUENCE,
} as const;
