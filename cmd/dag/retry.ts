/** `dag retry RUN`: runs again what did not succeed. */
import type { Settings } from "../../internal/config/load.ts";
import { prepareRetry } from "../../internal/executor/inspection.ts";
import { DistributedExecutor } from "../library/distributed.ts";
import { distributedOptions } from "../library/from-settings.ts";
import { withCluster } from "./cluster.ts";
import { clusterFlags } from "./cluster-flags.ts";
import { drive } from "./drive.ts";

export interface RetryFlags {
  readonly json: boolean;
  /** Stdout is a terminal that can be drawn on. */
  readonly live: boolean;
  /** Only these and what depends on them; empty for all that did not succeed. */
  readonly task: readonly string[];
  readonly detach: boolean;
  /** The settings that stand on the command line, by flag. */
  readonly given: ReadonlySet<string>;
}

export async function retry(flags: RetryFlags, settings: Settings, runId: string): Promise<number> {
  const { task: tasks, json } = flags;
  const dag = await withCluster(settings, async (cluster) => {
    const prepared = await prepareRetry(runId, tasks, cluster);
    if (flags.detach) await prepared.admit();
    return prepared.dag;
  });
  if (flags.detach) {
    process.stdout.write(json ? `${JSON.stringify({ run_id: runId })}\n` : `${runId}\n`);
    return 0;
  }
  const { nats = "" } = settings;
  return drive(
    {
      dag,
      createExecutor: (view) => new DistributedExecutor(distributedOptions({ ...settings, nats }, view)),
      begin: (executor) => executor.retry(runId, { tasks }),
      advice: { cluster: clusterFlags(flags.given, settings) },
    },
    flags,
  );
}
