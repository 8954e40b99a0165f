/** Fetches images, and tells the log of the task how that goes on. */
import { createInterface } from "node:readline";
import { cutAfter } from "../core/cut.ts";
import type { RegistryAuth } from "../core/docker-fields.ts";
import { imageName, type ImageReference } from "../core/docker-image.ts";
import type { TaskContext } from "../ports/task-executor.ts";
import { type DockerEngine, EngineError, engineError } from "./docker-engine.ts";

const TELL_EVERY_MS = 3_000;
const MIB = 1_024 * 1_024;
/** What Docker's own registry is called in credentials. */
const DOCKER_HUB = "https://index.docker.io/v1/";

/** The image is not there, and cannot be had. */
export class ImageMissing extends Error {}

/** Returns as well when the task has to end before the image is there. Rejects with `ImageMissing`, `EngineError`. */
export async function pullImage(
  engine: Pick<DockerEngine, "pull">,
  image: { readonly reference: ImageReference; readonly auth: RegistryAuth | undefined },
  context: Pick<TaskContext, "signal" | "log">,
): Promise<void> {
  const name = imageName(image.reference);
  context.log(`pulling ${name}`);
  try {
    const stream = await engine.pull(pulledImage(image.reference), authOf(image));
    // An engine gives up when nobody listens any more.
    const stop = (): void => void stream.destroy();
    context.signal.addEventListener("abort", stop, { once: true });
    if (context.signal.aborted) stop();
    const progress = new Progress(name, (line) => context.log(line));
    for await (const line of createInterface({ input: stream })) progress.add(line);
  } catch (error) {
    if (context.signal.aborted) return;
    if (error instanceof ImageMissing) throw error;
    const failed = engineError(error);
    if (failed.status === undefined) throw failed;
    throw new ImageMissing(`image ${name} cannot be had: ${failed.message}`);
  }
}

function pulledImage({ registry, repository, version }: ImageReference): { fromImage: string; tag: string } {
  const tag = version.kind === "tag" ? version.tag : version.digest;
  return { fromImage: `${registry}/${repository}`, tag };
}

function authOf({
  reference: { registry },
  auth,
}: {
  readonly reference: ImageReference;
  readonly auth: RegistryAuth | undefined;
}): object | undefined {
  if (auth === undefined) return undefined;
  const { username, password } = auth;
  return { username, password, serveraddress: registry === "docker.io" ? DOCKER_HUB : registry };
}

interface Line {
  readonly status?: string;
  /** Of a layer. */
  readonly id?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

class Progress {
  readonly #image: string;
  readonly #log: (line: string) => void;
  readonly #layers = new Map<string, { readonly current: number; readonly total: number }>();
  #toldAt = performance.now();

  constructor(image: string, log: (line: string) => void) {
    this.#image = image;
    this.#log = log;
  }

  /** Throws `ImageMissing`. */
  add(text: string): void {
    if (text.trim() === "") return;
    const { error, status = "", id, progressDetail } = read(text);
    if (error !== undefined) throw new ImageMissing(`image ${this.#image} cannot be had: ${error}`);
    if (id === undefined && status !== "") this.#log(status);
    const { current, total } = progressDetail ?? {};
    if (id === undefined || status !== "Downloading" || current === undefined || total === undefined) return;
    this.#layers.set(id, { current, total });
    if (performance.now() - this.#toldAt >= TELL_EVERY_MS) this.#tell();
  }

  #tell(): void {
    this.#toldAt = performance.now();
    const all = [...this.#layers.values()];
    const [done, of] = (["current", "total"] as const).map((part) =>
      Math.round(all.reduce((sum, layer) => sum + layer[part], 0) / MIB),
    );
    this.#log(`pulling ${this.#image}: ${done} of ${of} MiB`);
  }
}

function read(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    throw new EngineError(`the Docker engine sent what is no JSON: ${cutAfter(text, 100)}`);
  }
}
