/**
 * Tasks of type `docker`: a command in a container of its own.
 *
 * D1 An engine is asked for nothing but what `docker-container.ts` says, after `DockerPolicy` has allowed it.
 * D2 Param values are never part of the command; they come by environment and by file.
 * D3 When the attempt ends, in whatever way, its container ends: SIGTERM, then SIGKILL, and it is removed. When this
 *    process ends before, the next one on this host removes it; see `DockerKeeper`.
 * D4 Output is captured within a limit, and read no faster than it is handed on.
 */
import type { Readable } from "node:stream";
import { type DockerTask, readDockerTask } from "../core/docker-command.ts";
import { OWN_FOLDER } from "../core/docker-fields.ts";
import type { JsonObject } from "../core/json.ts";
import type { TaskError } from "../core/outcome.ts";
import type { SeesFiles, TaskCall, TaskContext, TaskExecutor, TaskReturn } from "../ports/task-executor.ts";
import { BadArtifacts, MAX_MANIFEST_BYTES } from "./artifact-manifest.ts";
import { attemptEnv } from "./attempt-env.ts";
import { filesIn, type OwnFiles, packFiles, packGiven, unpackOwnFiles } from "./docker-archive.ts";
import { artifactsOf } from "./docker-artifacts.ts";
import { containerConfig, keeps } from "./docker-container.ts";
import { DockerEngine, EngineError, engineError } from "./docker-engine.ts";
import { containerName, DockerKeeper, type KeeperOptions, labelsOf } from "./docker-keeper.ts";
import type { Allowed, DockerPolicy } from "./docker-policy.ts";
import { ImageMissing } from "./docker-pull.ts";
import { patiently, type Plan, runContainer } from "./docker-run.ts";
import { BadOutputFile, parseOutputFile } from "./output-file.ts";
import { nothingPrinted, outputOf, type Printed, withLastLine } from "./printed.ts";

/** An engine that has gone needs some time. */
const AGAIN_MS = 5_000;
const FILES = filesIn(OWN_FOLDER);

export interface DockerOptions extends Omit<KeeperOptions, "engine"> {
  readonly policy: DockerPolicy;
  /** Name of the worker, for the labels of its containers. */
  readonly worker: string;
  /** How much of stdout and of stderr is kept, in bytes each. Default 1 MiB. */
  readonly outputLimit?: number;
}

export class DockerTaskExecutor implements TaskExecutor {
  readonly type = "docker";
  readonly seesFiles: SeesFiles = { at: FILES.givenFolder };
  readonly #policy: DockerPolicy;
  readonly #worker: string;
  readonly #outputLimit: number;
  readonly #engine: DockerEngine;
  readonly #keeper: DockerKeeper;

  private constructor(engine: DockerEngine, options: DockerOptions) {
    this.#engine = engine;
    this.#policy = options.policy;
    this.#worker = options.worker;
    this.#outputLimit = options.outputLimit ?? 1_024 * 1_024;
    this.#keeper = new DockerKeeper({ engine, ...options });
  }

  /** Removes what dead workers left, and looks from now on whether the engine is there; see `whyNotReady`. Rejects with `EngineNotThere` where nothing says where it could be. */
  static async open(options: DockerOptions): Promise<DockerTaskExecutor> {
    const executor = new DockerTaskExecutor(await DockerEngine.open(), options);
    await executor.#keeper.start();
    return executor;
  }

  /** Looks no more. */
  close(): void {
    this.#keeper.close();
  }

  /** Why the engine cannot be used now; nothing when it can. */
  get whyNotReady(): string | undefined {
    return this.#keeper.why;
  }

  async execute(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    if (context.signal.aborted) return failed(ENDED);
    const task = readDockerTask(call);
    if (typeof task === "string") return failed({ reason: "bad-input", message: task });
    try {
      const allowed = await patiently(context.signal, () => this.#policy.judge(task, this.#engine));
      if ("reason" in allowed) return failed(allowed);
      return await this.#run({ call, task, allowed }, context);
    } catch (error) {
      return failed(context.signal.aborted ? ENDED : taskError(error));
    }
  }

  async #run(attempt: Attempt, context: TaskContext): Promise<TaskReturn> {
    const { call, task, allowed } = attempt;
    const name = containerName(call);
    const captured = nothingPrinted(this.#outputLimit);
    let code: number | undefined;
    try {
      const print: Plan["print"] = (stream, bytes) => {
        captured[stream].add(bytes);
        context.print(stream, bytes);
      };
      code = await runContainer(this.#engine, this.#planOf(name, attempt, { context, print }), context);
      if (code === undefined) return failed(ENDED);
      const output = outputOf(captured, code);
      const error = context.signal.aborted ? ENDED : await this.#errorOf(name, code, { captured, allowed });
      if (error !== undefined) return { ...failed(error), output };
      return await this.#handOver(name, { call, context, output });
    } finally {
      // What did not end in order is of use to nobody.
      if (code === undefined || !keeps(task)) await this.#keeper.remove(name);
    }
  }

  #planOf(
    name: string,
    { call, task, allowed }: Attempt,
    { context, print }: Pick<Plan, "print"> & { readonly context: TaskContext },
  ): Plan {
    const until = context.deadline + context.graceMs;
    const labels = labelsOf(call, { worker: this.#worker, until, keep: keeps(task) });
    const env = attemptEnv({ ...call, env: task.env }, FILES);
    const { artifactFolder } = call;
    return {
      name,
      image: allowed.image,
      pull: task.pull ?? "missing",
      auth: task.auth,
      config: containerConfig({ task, allowed, env, labels }),
      files: { folder: OWN_FOLDER, archive: packFiles(JSON.stringify(call.params)) },
      ...(artifactFolder === undefined ? {} : { given: () => packGiven(artifactFolder) }),
      print,
    };
  }

  async #errorOf(
    name: string,
    exitCode: number,
    { captured, allowed }: { readonly captured: Printed; readonly allowed: Allowed },
  ): Promise<TaskError | undefined> {
    if (exitCode === 0) return undefined;
    if ((await this.#engine.state(name)).OOMKilled) {
      const message = `out of memory: it may use ${allowed.memoryMb} MiB, see memory_mb`;
      return { reason: "out-of-memory", message, exitCode };
    }
    return { reason: "exit-nonzero", message: withLastLine(`exit code ${exitCode}`, captured), exitCode };
  }

  async #handOver(
    name: string,
    {
      call,
      context,
      output,
    }: { readonly call: TaskCall; readonly context: TaskContext; readonly output: JsonObject },
  ): Promise<TaskReturn> {
    const own = await this.#readOwnFiles(name);
    const all = { ...parseOutputFile(own.output, this.#outputLimit), ...output };
    const { outputs: patterns = [] } = call;
    if (own.manifest.length === 0 && patterns.length === 0) return { ok: true, output: all };
    const folder = FILES.artifactsFolder;
    const open = (): Promise<Readable> => this.#engine.get(name, folder);
    const artifacts = await artifactsOf({ manifest: own.manifest, folder, patterns, open }, context);
    return { ok: true, output: all, artifacts };
  }

  async #readOwnFiles(name: string): Promise<OwnFiles> {
    const limits = { output: this.#outputLimit, manifest: MAX_MANIFEST_BYTES };
    try {
      return await unpackOwnFiles(await this.#engine.get(name, FILES.ownFolder), limits);
    } catch (error) {
      // The command has removed it.
      if (!(error instanceof BadOutputFile) && engineError(error).status === 404)
        return { output: "", manifest: Buffer.alloc(0) };
      throw error;
    }
  }
}

interface Attempt {
  readonly call: TaskCall;
  readonly task: DockerTask;
  readonly allowed: Allowed;
}

/** The worker knows why, and says so in its place. */
const ENDED: TaskError = { reason: "cancelled", message: "ended before its time" };

function failed(error: TaskError): { readonly ok: false; readonly error: TaskError } {
  return { ok: false, error };
}

/** How engines say that they have no driver for what was asked for, which is GPUs alone. */
const NO_GPUS = /could not select device driver|no known GPU vendor/;

/** Rethrows what is none of the engine's, the image's or the output file's. */
function taskError(error: unknown): TaskError {
  if (error instanceof ImageMissing) return { reason: "image-missing", message: error.message };
  if (error instanceof BadOutputFile || error instanceof BadArtifacts)
    return { reason: "bad-output", message: error.message };
  if (!(error instanceof EngineError)) throw error;
  const { status, message } = error;
  if (status === undefined) return { reason: "engine-gone", message, againAfterMs: AGAIN_MS };
  // It does not understand what it is asked for, or has no such network.
  if (status === 400 || status === 404)
    return { reason: "bad-input", message: `the Docker engine: ${message}` };
  if (NO_GPUS.test(message)) {
    return {
      reason: "spawn-failed",
      message: `gpus: the Docker engine has no driver for GPUs (${message}); its host needs one, such as the NVIDIA Container Toolkit`,
    };
  }
  return { reason: "spawn-failed", message: `the Docker engine: ${message}` };
}
