/** What it takes of the cluster to show a worker's life, on a connection that nothing else uses. */
import type { Status } from "@nats-io/transport-node";
import { Names } from "../contract/subjects.ts";
import type { Extender } from "../ports/task-queue.ts";
import { type ConnectOptions, openConnection } from "./connection.ts";
import { seldom } from "./context.ts";
import { extendBy } from "./extender.ts";
import { NatsLink } from "./link.ts";
import { within } from "./patience.ts";
import { NatsPresence } from "./presence.ts";

export interface LifelineOptions extends ConnectOptions {
  readonly namespace: string;
  /** What the operator should know, and what passes by itself. */
  onTrouble(what: string): void;
}

export interface LifelineCluster {
  readonly presence: NatsPresence;
  readonly queue: Extender;
  /** Resolves when all that was said is sent, or cannot be. */
  sent(): Promise<void>;
}

/** How long `sent` waits for a server that does not answer. */
const SENDING_MS = 1_000;

/** Rejects with `ConnectFailed`. */
export async function openLifeline(options: LifelineOptions): Promise<LifelineCluster> {
  const nc = await openConnection(options);
  const onTrouble = seldom(options.onTrouble);
  const link = new NatsLink(nc);
  const onStatus = (status: Status): void => {
    if (status.type === "reconnect") link.restored();
    if (status.type === "disconnect") {
      link.lost();
      onTrouble(`the connection to ${status.server} that shows the worker's life is lost, trying again`);
    }
    if (status.type === "error") onTrouble(`the server objects: ${status.error.message}`);
  };
  void (async () => {
    for await (const status of nc.status()) onStatus(status);
  })();
  const presence = new NatsPresence({
    nc,
    names: new Names(options.namespace),
    isUp: () => link.isUp(),
    onTrouble,
    // The worker itself hears the same commands, and puts aside what cannot be read.
    putAside: async () => false,
  });
  return {
    presence,
    queue: { extend: (receipts) => extendBy(nc, receipts) },
    sent: () => within(nc.flush(), SENDING_MS),
  };
}
