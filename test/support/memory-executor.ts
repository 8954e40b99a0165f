/** An executor service in the hands of a test: on memory ports, or on others. */
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import { ExecutorService, type ServiceOptions } from "../../internal/executor/service.ts";
import type { Ports } from "../../internal/executor/settings.ts";

export const DEAD_MS = 30_000;

export function memoryExecutor(
  cluster: Omit<Ports, "definitions" | "clock" | "random" | "observer">,
  more: Partial<ServiceOptions> & Pick<ServiceOptions, "clock" | "observer">,
): ExecutorService {
  let ids = 0;
  return new ExecutorService({
    log: cluster.log,
    queue: cluster.queue,
    history: cluster.history,
    checkpoints: cluster.checkpoints,
    blobs: cluster.blobs,
    presence: cluster.presence,
    desk: cluster.desk,
    referee: cluster.referee,
    deadLetters: cluster.deadLetters,
    pressure: cluster.pressure,
    leases: cluster.leases,
    definitions: new StoredDefinitions(cluster.blobs),
    random: { id: () => `id-${++ids}` },
    limits: { deadAfterMs: DEAD_MS, goneAfterMs: 2_000, overtimeMs: DEAD_MS },
    probeIntervalMs: 1_000,
    lossCap: 5,
    inlineLimit: 65_536,
    windowOf: () => 100,
    workers: [],
    registry: { register: () => undefined },
    standsIn: false,
    ...more,
  });
}
