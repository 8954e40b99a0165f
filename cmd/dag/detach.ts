/** Submits a run to the cluster and leaves it to whoever drives it. */
import type { Settings } from "../../internal/config/load.ts";
import type { DagRun } from "../../internal/executor/executor.ts";
import { prepareRun } from "../../internal/executor/submission.ts";
import { systemRandom } from "../../internal/memory/system.ts";
import { withCluster } from "./cluster.ts";

const ASK_MS = 1_000;

/** Prints the run's id alone on stdout. Resolves with the exit code. */
export async function detach(
  dagRun: DagRun,
  { json }: { readonly json: boolean },
  settings: Settings,
): Promise<number> {
  return withCluster(settings, async (cluster) => {
    const { timeout, lossCap, fanOutLimit, inlineLimit } = settings;
    const { runId, admit } = prepareRun(dagRun, {
      ...cluster,
      random: systemRandom,
      lossCap,
      fanOutLimit,
      inlineLimit,
      ...(timeout === undefined ? {} : { taskTimeoutMs: timeout }),
    });
    await admit();
    process.stdout.write(json ? `${JSON.stringify({ run_id: runId })}\n` : `${runId}\n`);
    if ((await cluster.desk.ask(ASK_MS)) === undefined) {
      process.stderr.write("dag: no executor is there: the run begins when one is (`executor --nats …`)\n");
    }
    return 0;
  });
}
