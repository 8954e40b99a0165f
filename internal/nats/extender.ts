import type { NatsConnection } from "@nats-io/transport-node";

const WORKING = new TextEncoder().encode("+WPI");

/** Extends deliveries on any connection: the receipt is the subject by which their consumer is answered. */
export function extendBy(nc: NatsConnection, receipts: readonly string[]): void {
  if (nc.isClosed()) return;
  for (const receipt of receipts) nc.publish(receipt, WORKING);
}
