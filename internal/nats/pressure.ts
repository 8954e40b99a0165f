/** Why writes wait, from what the publisher has seen. */
import type { Names } from "../contract/subjects.ts";
import type { Pressure, Store } from "../ports/storing.ts";
import type { Context } from "./context.ts";

export function pressureOf({ publisher, names }: Pick<Context, "publisher" | "names">): Pressure {
  return { why: (...stores) => publisher.pressure(stores.flatMap((store) => streamsOf(store, names))) };
}

function streamsOf(store: Store, names: Names): string[] {
  switch (store) {
    case "log":
      return [names.runsStream];
    case "queue":
      return [names.tasksStream];
    case "values":
      return [names.blobsStream];
    case "other":
      return [names.dagsStream, names.deadStream, names.historyStream, names.checkpointsStream];
  }
}
