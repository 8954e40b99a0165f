/** Why writes wait, from what the publisher has seen. */
import type { Pressure, Store } from "../ports/storing.ts";
import type { Context } from "./context.ts";

/** Nothing waits for the logs of tasks. */
const ALL: readonly Store[] = ["log", "queue", "values", "other"];

export function pressureOf({ publisher, names }: Pick<Context, "publisher" | "names">): Pressure {
  const streams = {
    log: [names.runsStream],
    queue: [names.tasksStream],
    values: [names.blobsStream],
    other: [names.dagsStream, names.deadStream, names.historyStream, names.checkpointsStream],
  } satisfies Record<Store, string[]>;
  return {
    why: (...stores) => {
      for (const store of stores.length === 0 ? ALL : stores) {
        const why = publisher.pressure(streams[store]);
        if (why !== undefined) return why;
      }
      return undefined;
    },
  };
}
