/** All that one process has of the world. */
import { StoredDefinitions } from "../../../internal/contract/definitions.ts";
import type { Ports } from "../../../internal/executor/settings.ts";
import type { Random } from "../../../internal/ports/clock.ts";
import { SimBlobs } from "../ports/blobs.ts";
import type { Client } from "../ports/client.ts";
import { SimDeadLetters } from "../ports/dead-letters.ts";
import { SimDesk } from "../ports/desk.ts";
import { SimCheckpoints, SimHistory } from "../ports/history.ts";
import { SimLeases } from "../ports/leases.ts";
import { SimPresence } from "../ports/presence.ts";
import { SimReferee } from "../ports/referee.ts";
import { SimRunLog } from "../ports/run-log.ts";
import { SimTaskQueue } from "../ports/task-queue.ts";
import type { Settings } from "../scenario/settings.ts";

export type SimPorts = Omit<Ports, "observer"> & { readonly client: Client };

export function openPorts(client: Client, { leaseTermMs, ackWaitMs }: Settings): SimPorts {
  const blobs = new SimBlobs(client);
  return {
    client,
    log: new SimRunLog(client),
    queue: new SimTaskQueue(client, ackWaitMs),
    blobs,
    definitions: new StoredDefinitions(blobs),
    presence: new SimPresence(client),
    leases: new SimLeases(client, leaseTermMs),
    deadLetters: new SimDeadLetters(client),
    desk: new SimDesk(client),
    referee: new SimReferee(client),
    pressure: { why: () => undefined },
    history: new SimHistory(client),
    checkpoints: new SimCheckpoints(client),
    clock: client.clock,
    random: randomOf(client),
  };
}

function randomOf({ link }: Client): Random {
  const { random } = link.process.world;
  const part = (): string => random.below(2 ** 32).toString(36);
  return { id: () => `x${part()}${part()}`.padEnd(12, "0") };
}
