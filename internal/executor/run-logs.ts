/** What the tasks of a run printed and logged. */
import type { LogEntry } from "../core/attempt-log.ts";
import { LogLines } from "../core/log-lines.ts";
import { LogMerge } from "../core/log-merge.ts";
import type { LogsOf, LogStore } from "../ports/attempt-logs.ts";
import { factsOfRun } from "./load-run.ts";
import type { Ports } from "./settings.ts";

/** All that is kept of it now, in the order of time; nothing of a run that is unknown. */
export async function logsOfRun(
  which: LogsOf,
  ports: Pick<Ports, "log" | "history"> & { readonly logs: Pick<LogStore, "read"> },
): Promise<LogEntry[]> {
  const [first] = await factsOfRun(which.runId, ports);
  // What no task is called may stand for several where logs are looked for.
  if (first === undefined || /[^\w-]/.test(which.task ?? "")) return [];
  const merge = new LogMerge(new LogLines());
  const entries: LogEntry[] = [];
  await ports.logs.read(which, (batch) => {
    // Another run may have had the same id.
    if (batch.attempt.runSeq === first.seq) entries.push(...merge.take(batch));
  });
  return [...entries, ...merge.end()];
}
