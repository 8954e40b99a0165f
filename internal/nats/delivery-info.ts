/** What the reply subject of a delivered message tells of it. */
export interface DeliveryInfo {
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** Position in the stream. */
  readonly seq: number;
  /** Position among all deliveries of its consumer, without gaps. */
  readonly consumerSeq: number;
  /** When it was stored, in milliseconds since 1970. */
  readonly time: number;
  /** How many more the consumer has after it. */
  readonly pending: number;
}

const NANOS_DIGITS = 6;

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<seq>.<consumer seq>.<nanoseconds>.<pending>`; newer servers may
 * put domain and account before the stream. The time is cut, not rounded: it must be the same however a message
 * is read, and the nanoseconds do not fit a number.
 */
export function readDelivery(reply: string): DeliveryInfo {
  const parts = reply.split(".");
  const at = parts.length > 9 ? 6 : 4;
  return {
    deliveries: Number(parts[at]),
    seq: Number(parts[at + 1]),
    consumerSeq: Number(parts[at + 2]),
    time: Number(parts[at + 3]?.slice(0, -NANOS_DIGITS)),
    pending: Number(parts[at + 4]),
  };
}

/** Milliseconds of a time as the server writes it (`2026-01-31T12:00:00.123456789Z`), cut like those above. */
export function readTime(text: string): number {
  const [, whole = "", fraction = ""] = /^([^.Z]+)(?:\.(\d+))?Z$/.exec(text) ?? [];
  return Date.parse(`${whole}Z`) + Number(fraction.padEnd(3, "0").slice(0, 3));
}
