/** `dag wait RUN`, `dag status RUN --follow`: see a run to its end. */
import type { Settings } from "../../internal/config/load.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { RunResult } from "../../internal/core/result.ts";
import { followRun } from "../../internal/executor/follow-run.ts";
import { systemClock } from "../../internal/memory/system.ts";
import { missing, nextSteps } from "./advice.ts";
import { clusterFlags } from "./cluster-flags.ts";
import { withCluster } from "./cluster.ts";
import { Interrupts } from "./interrupts.ts";
import { unknownRun } from "./look.ts";
import { RunView } from "./run-view.ts";

export interface FollowFlags {
  readonly json: boolean;
  /** Stdout is a terminal that can be drawn on. */
  readonly live: boolean;
  /** The settings that stand on the command line, by flag. */
  readonly given: ReadonlySet<string>;
}

const ASK_MS = 1_000;
const ASK_EVERY_MS = 2_000;

/** Resolves with the run's own exit code. Ctrl-C leaves; the run goes on. */
export async function wait(flags: FollowFlags, settings: Settings, runId: string): Promise<number> {
  const result = await watch(flags, settings, runId);
  if (result === "interrupted") return 130;
  return result.state === "completed" ? 0 : 1;
}

/** The same; the exit code only says that it could be looked at. */
export async function follow(flags: FollowFlags, settings: Settings, runId: string): Promise<number> {
  return (await watch(flags, settings, runId)) === "interrupted" ? 130 : 0;
}

async function watch(
  { json, live, given }: FollowFlags,
  settings: Settings,
  runId: string,
): Promise<RunResult | "interrupted"> {
  return withCluster(settings, async (cluster) => {
    let view: RunView | undefined;
    const interrupts = new Interrupts(() => view?.say("interrupted: the run goes on"));
    let asked = await cluster.desk.ask(ASK_MS);
    const asking = setInterval(() => {
      void cluster.desk.ask(ASK_MS).then((answer) => (asked = answer));
    }, ASK_EVERY_MS);
    try {
      const options = {
        runId,
        view: asked,
        signal: interrupts.signal,
        observerFor: (dag: Dag) => {
          view = new RunView({ dag, json, live });
          view.watch(() => missing(dag, asked));
          return view;
        },
      };
      const followed = await followRun(options, { ...cluster, clock: systemClock });
      if (followed === undefined) throw unknownRun(runId);
      view ??= new RunView({ dag: followed.dag, json, live });
      view.end(followed.result, nextSteps(followed.result, { cluster: clusterFlags(given, settings) }));
      return followed.result;
    } catch (error) {
      if (!interrupts.signal.aborted) throw error;
      return "interrupted";
    } finally {
      clearInterval(asking);
      view?.clear();
      interrupts.stop();
    }
  });
}
