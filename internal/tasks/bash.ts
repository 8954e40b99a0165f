/**
 * Tasks of type `bash`: a script for a shell, in a process group of its own.
 *
 * B1 Param values are never part of the script; they come by environment, by file and as arguments.
 * B2 When the attempt ends, in whatever way, its whole process group ends: SIGTERM, then SIGKILL. When this process
 *    ends before, in whatever way, the spawner ends all that is left of it.
 * B3 Output is captured within a limit; a script that prints more does not fail for it.
 * B4 Nothing is started by this process itself, so its loop goes on meanwhile.
 * B5 A script that kills what has started it takes others along once at most, and that uses nothing of their budgets.
 */
import type { TaskError } from "../core/outcome.ts";
import type {
  PrintStream,
  SeesFiles,
  TaskCall,
  TaskContext,
  TaskExecutor,
  TaskReturn,
} from "../ports/task-executor.ts";
import { BadArtifacts } from "./artifact-manifest.ts";
import { BadArgument, inheritedEnv, launchOf, type Surroundings } from "./bash-launch.ts";
import { outcomeOf } from "./bash-outcome.ts";
import { type Launch, startCommand } from "./bash-spawner.ts";
import type { BashUser } from "./bash-user.ts";
import { artifactsIn } from "./folder-artifacts.ts";
import { nothingPrinted, outputOf } from "./printed.ts";

export interface BashOptions {
  /** Working directory of tasks that name none. Default: an empty folder of its own for each attempt. */
  readonly cwd?: string;
  /** Environment of the scripts. Default: that of this process, without what tells how to reach the cluster. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Only these variables of it: names, or beginnings of names and a `*`. Default: all. */
  readonly allowEnv?: readonly string[];
  /** Who the scripts run as; see `BashUser.of`. Default: who this process runs as. */
  readonly user?: BashUser;
  /** How much of stdout and of stderr is kept, in bytes each. Default 1 MiB. */
  readonly outputLimit?: number;
}

export class BashTaskExecutor implements TaskExecutor {
  readonly type = "bash";
  readonly seesFiles: SeesFiles;
  readonly #surroundings: Surroundings;

  constructor({ cwd, env = process.env, allowEnv, user, outputLimit = 1_024 * 1_024 }: BashOptions = {}) {
    this.#surroundings = {
      base: cwd ?? process.cwd(),
      cwd,
      env: { ...inheritedEnv(env, allowEnv), ...user?.env },
      outputLimit,
      user: user?.ids,
    };
    this.seesFiles = user === undefined ? {} : { reader: user.ids };
  }

  async execute(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    if (context.signal.aborted) return { ok: false, error: ENDED };
    const { outputLimit } = this.#surroundings;
    let launch: Launch;
    try {
      launch = launchOf(call, this.#surroundings, context.graceMs);
    } catch (error) {
      if (error instanceof BadArgument)
        return { ok: false, error: { reason: "bad-input", message: error.message } };
      throw error;
    }
    const printed = nothingPrinted(outputLimit);
    const print = (stream: PrintStream, bytes: Buffer): void => {
      printed[stream].add(bytes);
      context.print(stream, bytes);
    };
    const running = startCommand(launch, print, { isApart: call.attempt > 1 });
    context.signal.addEventListener("abort", running.stop, { once: true });
    const ended = await running.ended;
    context.signal.removeEventListener("abort", running.stop);
    if (ended.isKept === true) context.atEnd(running.letGo);
    if (context.signal.aborted) return { ok: false, error: ENDED, output: outputOf(printed, ended.exitCode) };
    const answer = outcomeOf(ended, printed, { options: call.options, outputLimit });
    return answer.ok && ended.isKept === true ? withArtifacts(answer, launch, { call, context }) : answer;
  }
}

async function withArtifacts(
  answer: TaskReturn & { readonly ok: true },
  { folder, artifactsFile: manifest, user }: Launch,
  { call, context }: { readonly call: TaskCall; readonly context: TaskContext },
): Promise<TaskReturn> {
  const { signal, artifactLimits } = context;
  const patterns = call.outputs ?? [];
  const owner = user === undefined ? {} : { owner: user.uid };
  try {
    const found = { folder, manifest, patterns, limit: artifactLimits.count, ...owner, signal };
    return { ...answer, artifacts: await artifactsIn(found) };
  } catch (error) {
    if (!(error instanceof BadArtifacts)) throw error;
    return { ok: false, output: answer.output, error: { reason: "bad-output", message: error.message } };
  }
}

/** The worker knows why, and says so in its place. */
const ENDED: TaskError = { reason: "cancelled", message: "ended before its time" };
