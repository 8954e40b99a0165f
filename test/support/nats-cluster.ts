/** Clusters on one real server, each in a namespace of its own. */
import { systemRandom } from "../../internal/memory/system.ts";
import { type ClusterOptions, type NatsCluster, openCluster } from "../../internal/nats/cluster.ts";
import type { UnreadableLetter } from "../../internal/ports/dead-letters.ts";

/** What happened besides, as the operator would see it. */
export interface Told {
  readonly troubles: string[];
  readonly letters: UnreadableLetter[];
}

export type OpenedCluster = NatsCluster & { readonly told: Told };

export async function openTestCluster(options: {
  readonly servers: string;
  readonly namespace: string;
  readonly more?: Partial<ClusterOptions>;
}): Promise<OpenedCluster> {
  const told: Told = { troubles: [], letters: [] };
  const cluster = await openCluster({
    name: "test",
    ackWaitMs: 60_000,
    leaseTermMs: 5_000,
    // Room is reserved, and many tests share a server; what is there stays as it is.
    logBounds: { bytes: 32 * 1_024 * 1_024, ageMs: 60 * 60_000 },
    onTrouble: (what) => void told.troubles.push(what),
    onDeadLetter: (letter) => void told.letters.push(letter),
    servers: options.servers,
    namespace: options.namespace,
    ...options.more,
  });
  return { ...cluster, told };
}

export function newNamespace(): string {
  return `t-${systemRandom.id().toLowerCase()}`;
}
