/** Graphs through a distributed executor whose ports are in memory. */
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { systemClock } from "../../internal/memory/system.ts";
import { graphDistributed } from "./graph-distributed.ts";

export const graphInMemory = graphDistributed("distributed executor, in memory", async () => ({
  ports: new MemoryCluster({ clock: systemClock }),
  close: async () => undefined,
}));
