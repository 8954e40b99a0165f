/**
 * The Docker engine, as far as tasks need it: what it is asked, each with a time limit, and what it answers.
 *
 * dockerode reads from the environment where the engine is, as Docker's own client does (DOCKER_HOST, DOCKER_CERT_PATH,
 * DOCKER_TLS_VERIFY). It is loaded when a program first needs it: it takes a quarter of a second.
 */
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import type { ContainerCreateOptions, ContainerInfo } from "dockerode";

/** For anything that is no work for an engine, even on a machine that has too much of it. */
const ANSWER_MS = 60_000;
const PING_MS = 10_000;

/** An engine refused what it was asked, or gave no answer. */
export class EngineError extends Error {
  /** Of its answer, as in HTTP; `undefined`: there was none. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.name = "EngineError";
    this.status = status;
  }
}

/** An engine that was asked for is not there. */
export class EngineNotThere extends Error {
  readonly code = "ENGINE_NOT_THERE";
  constructor(why: string) {
    super(`docker tasks cannot run: ${why}`);
    this.name = "EngineNotThere";
  }
}

export interface ContainerState {
  readonly OOMKilled: boolean;
  readonly Running: boolean;
}

interface Modem {
  readonly host?: string;
  readonly port?: string;
  readonly socketPath?: string | (() => Promise<string>);
  dial(options: object, callback: (error: Error | null, stream: Readable) => void): void;
}

/** What takes options, and whose types do not say so. */
interface Untyped {
  ping(options: object): Promise<unknown>;
  getNetwork(name: string): { inspect(options: object): Promise<Network> };
}

export interface Network {
  readonly Name: string;
  readonly Driver: string;
}

export class DockerEngine {
  /** Where it is, for people. */
  readonly address: string;
  /** Path of its socket, where it is on this machine as far as we can see. */
  readonly socket: string | undefined;
  readonly #docker: Docker;

  private constructor(docker: Docker, socket: string | undefined) {
    this.#docker = docker;
    this.socket = socket;
    const { host, port } = docker.modem as Modem;
    this.address = socket === undefined ? `${host}:${port}` : `unix://${socket}`;
  }

  /** Rejects with `EngineNotThere` when what the environment says of it cannot be used. */
  static async open(): Promise<DockerEngine> {
    const { default: Client } = await import("dockerode");
    const docker = clientOf(Client);
    const { host, socketPath } = docker.modem as Modem;
    if (host !== undefined) return new DockerEngine(docker, undefined);
    return new DockerEngine(docker, typeof socketPath === "function" ? await socketPath() : socketPath);
  }

  /** All that follows rejects with `EngineError`. */
  async ping(): Promise<void> {
    await this.#ask((abortSignal) => (this.#docker as Untyped).ping({ abortSignal }), PING_MS);
  }

  async create(name: string, config: ContainerCreateOptions): Promise<void> {
    // The name is for the address, the rest for the body.
    const options = { _query: { name }, _body: config };
    await this.#ask((abortSignal) => this.#docker.createContainer({ ...options, abortSignal }));
  }

  /** What it prints from now on: stdout and stderr in one stream, as `Demultiplexer` reads it. */
  async attach(name: string): Promise<Readable> {
    const options = { stream: true, stdout: true, stderr: true };
    return this.#stream((abortSignal) => this.#container(name).attach({ ...options, abortSignal }));
  }

  async start(name: string): Promise<void> {
    await this.#ask((abortSignal) => this.#container(name).start({ abortSignal }));
  }

  async kill(name: string, signal: NodeJS.Signals): Promise<void> {
    await this.#ask((abortSignal) => this.#container(name).kill({ signal, abortSignal }));
  }

  /** Its next end, which is watched for once this has resolved; the exit code. */
  async nextExit(name: string): Promise<{ readonly code: Promise<number> }> {
    // Not by the container's own method: that never settles when the engine goes while it waits.
    const stream = await this.#stream((abortSignal) => this.#wait(name, abortSignal));
    const code = textOf(stream).then((text) => (JSON.parse(text) as { StatusCode: number }).StatusCode);
    // Whoever waits for it may not have got there yet.
    code.catch(() => undefined);
    return { code };
  }

  async state(name: string): Promise<ContainerState> {
    const { State } = await this.#ask((abortSignal) => this.#container(name).inspect({ abortSignal }));
    return State;
  }

  /** Also one that runs, with the volumes that are only its own. */
  async remove(name: string): Promise<void> {
    const options = { force: true, v: true };
    await this.#ask((abortSignal) => this.#container(name).remove({ ...options, abortSignal }));
  }

  /** Unpacks an archive in a folder of the container. */
  async put(name: string, path: string, archive: Buffer): Promise<void> {
    await this.#ask((abortSignal) => this.#container(name).putArchive(archive, { path, abortSignal }));
  }

  /** The same, of any size, until it is told to end. */
  async putStream(
    name: string,
    {
      path,
      archive,
      until,
    }: { readonly path: string; readonly archive: Readable; readonly until: AbortSignal },
  ): Promise<void> {
    const broken = new AbortController();
    const abortSignal = AbortSignal.any([until, broken.signal]);
    archive.once("error", (error) => broken.abort(error));
    try {
      await this.#within(this.#container(name).putArchive(archive, { path, abortSignal }), abortSignal);
    } catch (error) {
      throw archive.errored ?? error;
    } finally {
      archive.destroy();
    }
  }

  /** The archive of a file or a folder in a container. */
  async get(name: string, path: string): Promise<Readable> {
    return this.#stream((abortSignal) => this.#container(name).getArchive({ path, abortSignal }));
  }

  /** All containers, also those that have ended, that have a label. */
  async list(label: string): Promise<ContainerInfo[]> {
    const options = { all: true, filters: { label: [label] } };
    return this.#ask((abortSignal) => this.#docker.listContainers({ ...options, abortSignal } as object));
  }

  /** Name and driver of a network that may be named by its id, too. */
  async network(name: string): Promise<Network> {
    return this.#ask((abortSignal) => (this.#docker as Untyped).getNetwork(name).inspect({ abortSignal }));
  }

  /** Fetches an image; a stream of lines of JSON tells how that goes on. Ended with the stream. */
  async pull(image: PulledImage, auth: object | undefined): Promise<Readable> {
    return this.#stream((abortSignal) => this.#docker.createImage(auth, { ...image, abortSignal }));
  }

  #container(name: string): Docker.Container {
    return this.#docker.getContainer(name);
  }

  #wait(name: string, abortSignal: AbortSignal): Promise<Readable> {
    const path = `/containers/${name}/wait?`;
    const statusCodes = { 200: true, 404: "no such container", 500: "server error" };
    const options = { condition: "next-exit" };
    return new Promise((resolve, reject) => {
      const request = { path, method: "POST", options, isStream: true, statusCodes, abortSignal };
      (this.#docker.modem as Modem).dial(request, (error, stream) => {
        if (error === null) resolve(stream);
        else reject(error);
      });
    });
  }

  async #ask<T>(ask: (abortSignal: AbortSignal) => Promise<T>, limitMs = ANSWER_MS): Promise<T> {
    const limit = AbortSignal.timeout(limitMs);
    return this.#within(ask(limit), limit);
  }

  /** The time limit is for its beginning. */
  async #stream(ask: (abortSignal: AbortSignal) => Promise<NodeJS.ReadableStream>): Promise<Readable> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), ANSWER_MS);
    try {
      return (await this.#within(ask(controller.signal), controller.signal)) as Readable;
    } finally {
      clearTimeout(timer);
    }
  }

  /** dockerode does not settle when a connection breaks in the middle of an answer. */
  async #within<T>(answer: Promise<T>, limit: AbortSignal): Promise<T> {
    let onAbort = (): void => undefined;
    const over = new Promise<never>((_, reject) => {
      onAbort = () => reject(new EngineError(`the Docker engine at ${this.address} does not answer`));
      limit.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([answer, over]);
    } catch (error) {
      throw engineError(error, this.address);
    } finally {
      limit.removeEventListener("abort", onAbort);
    }
  }
}

function clientOf(Client: typeof Docker): Docker {
  try {
    return new Client();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineNotThere(`DOCKER_HOST or DOCKER_CERT_PATH cannot be used: ${why}`);
  }
}

export interface PulledImage {
  /** Registry and repository. */
  readonly fromImage: string;
  /** Or digest. */
  readonly tag: string;
}

/** What a stream holds. Rejects with `EngineError` when it breaks off. */
export async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk as Buffer);
  } catch (error) {
    throw engineError(error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

interface Answer {
  readonly statusCode?: number;
  readonly json?: { readonly message?: string } | null;
  readonly code?: string;
}

export function engineError(error: unknown, address?: string): EngineError {
  if (error instanceof EngineError) return error;
  const { statusCode, json, code } = error as Answer;
  const text = error instanceof Error ? error.message : String(error);
  if (statusCode !== undefined) {
    // Of an answer that is a stream, dockerode hands on the message with words of its own before it.
    const message = json?.message ?? text.replace(/^\(HTTP code \d+\) .*? - /, "").trim();
    return new EngineError(message, statusCode);
  }
  const at = address === undefined ? "" : ` at ${address}`;
  return new EngineError(`the Docker engine${at} ${whyGone(code, text)}`);
}

function whyGone(code: string | undefined, text: string): string {
  switch (code) {
    case "ECONNREFUSED":
    case "ENOENT":
      return "is not there: start it, or say by DOCKER_HOST where it is";
    case "EACCES":
      return "may not be used by this user: add it to the group of the socket";
    default:
      return `broke off: ${text}`;
  }
}
