/** `dag retry RUN`: runs again what did not succeed. */
import type { Settings } from "../../internal/config/load.ts";
import { prepareRetry } from "../../internal/executor/inspection.ts";
import { DistributedExecutor } from "../library/distributed.ts";
import { distributedOptions } from "../library/from-settings.ts";
import type { RetriedTask } from "../../internal/executor/executor.ts";
import { instanceName } from "../../internal/core/instance-name.ts";
import { some } from "../../internal/telemetry/waiting-text.ts";
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
  const { dag, again } = await withCluster(settings, async (cluster) => {
    const prepared = await prepareRetry(runId, tasks, cluster);
    if (flags.detach) await prepared.admit();
    return prepared;
  });
  const told = `runs again: ${some(again.map(retriedText))}\n`;
  if (flags.detach) {
    process.stdout.write(json ? `${JSON.stringify({ run_id: runId, again })}\n` : `${runId}\n`);
    process.stderr.write(`dag: ${told}`);
    return 0;
  }
  if (!json) process.stdout.write(told);
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

/** `load`, `load[3]`, `load (5 instances)` */
function retriedText({ task, instances }: RetriedTask): string {
  if (instances === undefined) return task;
  const [index = 0] = instances;
  if (instances.length === 1) return instanceName({ task, index }, { isOneOfSeveral: true });
  return `${task} (${instances.length} instances)`;
}
