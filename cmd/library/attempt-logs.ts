/** The logs of the attempts that run in this process. */
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import type { LogStore } from "../../internal/ports/attempt-logs.ts";
import { BufferedLogs } from "../../internal/worker/attempt-logs.ts";
import type { ResolvedOptions } from "./options.ts";
import { tellLines } from "./told-lines.ts";

/** The observer hears what tasks log, too. */
export function attemptLogs(
  store: Pick<LogStore, "put">,
  { logLimit: limit, observer }: Pick<ResolvedOptions, "logLimit" | "observer">,
): BufferedLogs {
  return new BufferedLogs({
    store,
    clock: systemClock,
    incarnation: systemRandom.id(),
    limit,
    onLine: tellLines(observer),
    onEnded: (attempt, printed) => observer.observe({ kind: "attempt-printed", attempt, ...printed }),
  });
}
