/** The cluster, for commands that only look at it or tell it something. */
import type { Settings } from "../../internal/config/load.ts";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import type { Definitions } from "../../internal/ports/definitions.ts";
import { type NatsCluster, openCluster } from "../../internal/nats/cluster.ts";
import { UsageError } from "./usage-error.ts";

export type OpenCluster = NatsCluster & { readonly definitions: Definitions };

/** Connects, does the work and closes. Rejects with `ConnectFailed` or `UsageError`. */
export async function withCluster<T>(
  settings: Settings,
  work: (cluster: OpenCluster) => Promise<T>,
): Promise<T> {
  if (settings.nats === undefined) {
    const advice = "give its address by --nats nats://host:4222 or NATS_URL, or start one here by `dag up`";
    throw new UsageError(`this needs a cluster: ${advice}`);
  }
  let unreadable = 0;
  const cluster = await openCluster({
    servers: settings.nats,
    ...(settings.creds === undefined ? {} : { creds: settings.creds }),
    name: "jetdag dag",
    namespace: settings.namespace,
    ackWaitMs: settings.ackWait,
    leaseTermMs: settings.leaseTerm,
    onTrouble: (what) => process.stderr.write(`dag: ${what}\n`),
    onDeadLetter: () => unreadable++,
  });
  try {
    return await work({ ...cluster, definitions: new StoredDefinitions(cluster.blobs) });
  } finally {
    await cluster.close();
    if (unreadable > 0) {
      const messages = unreadable === 1 ? "a message" : `${unreadable} messages`;
      process.stderr.write(`dag: ${messages} could not be read, and left out: see 'dag dead list'\n`);
    }
  }
}
