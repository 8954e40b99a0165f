/** One container, from its image to its exit code. Whoever runs it removes it. */
import type { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import type { ContainerCreateOptions } from "dockerode";
import type { PullPolicy, RegistryAuth } from "../core/docker-fields.ts";
import { imageName, type ImageReference } from "../core/docker-image.ts";
import type { PrintStream, TaskContext } from "../ports/task-executor.ts";
import { type DockerEngine, EngineError, engineError } from "./docker-engine.ts";
import { ImageMissing, pullImage } from "./docker-pull.ts";
import { Demultiplexer } from "./docker-stream.ts";

/** An engine that is started again is there again by then. */
const PATIENCE_MS = 10_000;
const ASK_AGAIN_MS = 500;
/** What a container that was killed may take to be gone. */
const KILLED_MS = 10_000;
/** What has been printed and is still on its way when the container has ended. */
const DRAIN_MS = 10_000;

export interface Plan {
  readonly name: string;
  readonly image: ImageReference;
  readonly pull: PullPolicy;
  readonly auth: RegistryAuth | undefined;
  readonly config: ContainerCreateOptions;
  /** Put into the container before it begins. */
  readonly files: { readonly folder: string; readonly archive: Buffer };
  /** So is this, into the same folder, which may be large. */
  readonly given?: () => Promise<Readable>;
  print(stream: PrintStream, bytes: Buffer): void;
}

/**
 * Resolves with the exit code; with `undefined` when it was told to end before it began. Rejects with `ImageMissing`
 * and `EngineError`.
 */
export async function runContainer(
  engine: DockerEngine,
  plan: Plan,
  context: TaskContext,
): Promise<number | undefined> {
  await patiently(context.signal, () => create(engine, plan, context));
  if (context.signal.aborted) return undefined;
  const { name, files, given, print } = plan;
  if (given !== undefined) {
    await engine.putStream(name, { path: files.folder, archive: await given(), until: context.signal });
    if (context.signal.aborted) return undefined;
  }
  const [printed, exit] = await Promise.all([
    engine.attach(name),
    engine.nextExit(name),
    engine.put(name, files.folder, files.archive),
  ]);
  const drained = drain(printed, print);
  const stopper = new Stopper(engine, name, context);
  try {
    // From here on it may run: what comes too early for a signal is told afterwards.
    await engine.start(name);
    stopper.begin();
    return await Promise.race([exit.code, stopper.hopeless]);
  } finally {
    stopper.end();
    await Promise.race([drained, setTimeout(DRAIN_MS, undefined, { ref: false })]);
    printed.destroy();
  }
}

/** Asks again while the engine is gone; for what does no harm when it is done twice. */
export async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isGone(error) || signal.aborted || performance.now() > giveUpAt) throw error;
    }
    await setTimeout(ASK_AGAIN_MS);
  }
}

/** An image that cannot be had, say, is not to be asked for again and again. */
function isGone(error: unknown): boolean {
  return error instanceof EngineError && error.status === undefined;
}

async function create(engine: DockerEngine, plan: Plan, context: TaskContext): Promise<void> {
  const { name, image, pull, auth, config } = plan;
  if (pull === "always") await pullImage(engine, { reference: image, auth }, context);
  if (context.signal.aborted) return;
  try {
    await engine.create(name, config);
  } catch (error) {
    // Of a name that nobody else has: this is what was made before the connection broke.
    if (engineError(error).status === 409) return;
    if (!isImageMissing(error)) throw error;
    if (pull !== "missing") {
      throw new ImageMissing(`image ${imageName(image)} is not there, and pull is ${pull}`);
    }
    await pullImage(engine, { reference: image, auth }, context);
    if (!context.signal.aborted) await engine.create(name, config);
  }
}

function isImageMissing(error: unknown): boolean {
  const { status, message } = engineError(error);
  return status === 404 && /no such image|image not known/i.test(message);
}

/** Reads no faster than it is handed on, so that a container that prints without end waits for us. */
async function drain(printed: Readable, print: Plan["print"]): Promise<void> {
  const parts = new Demultiplexer(print);
  try {
    for await (const chunk of printed) parts.add(chunk as Buffer);
  } catch {
    // The connection broke off, which is told by what waits for the end of the container.
  }
}

/** Ends a container when its attempt has to end: SIGTERM, and SIGKILL after the grace period. */
class Stopper {
  /** Rejects when the engine cannot end it. */
  readonly hopeless: Promise<never>;
  readonly #engine: DockerEngine;
  readonly #name: string;
  readonly #context: TaskContext;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #stop = (): void => this.#terminate();
  #giveUp: (error: EngineError) => void = () => undefined;

  constructor(engine: DockerEngine, name: string, context: TaskContext) {
    this.#engine = engine;
    this.#name = name;
    this.#context = context;
    this.hopeless = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
  }

  begin(): void {
    const { signal } = this.#context;
    if (signal.aborted) this.#terminate();
    else signal.addEventListener("abort", this.#stop, { once: true });
  }

  end(): void {
    this.#context.signal.removeEventListener("abort", this.#stop);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #terminate(): void {
    this.#send("SIGTERM");
    this.#after(this.#context.graceMs, () => this.#send("SIGKILL"));
    this.#after(this.#context.graceMs + KILLED_MS, () =>
      this.#giveUp(new EngineError("the Docker engine does not end the container")),
    );
  }

  /** What has ended meanwhile cannot be told. */
  #send(signal: NodeJS.Signals): void {
    this.#engine.kill(this.#name, signal).catch(() => undefined);
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(globalThis.setTimeout(act, ms));
  }
}
