/** A real nats-server for a test, on a port and a store of its own; found the way the product finds it. */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findServer } from "../../internal/nats/server/find.ts";
import { type RunningServer, runServer } from "../../internal/nats/server/run.ts";

let found: Promise<{ path: string }> | undefined;

/** Path of a nats-server; fetched once for all test files. */
export async function serverBinary(): Promise<string> {
  const setting = process.env.JETDAG_NATS_SERVER;
  found ??= findServer({
    ...(setting === undefined ? {} : { setting }),
    path: process.env.PATH ?? "",
    onProgress: () => undefined,
  });
  return (await found).path;
}

export class TestServer {
  #server: RunningServer;
  readonly #binary: string;
  readonly #folder: string;
  readonly #backups = new Set<string>();

  private constructor(server: RunningServer, binary: string, folder: string) {
    this.#server = server;
    this.#binary = binary;
    this.#folder = folder;
  }

  /** `maxFileStore` as the server's own configuration writes it, such as `40M`: all that it may store. */
  static async start({ maxFileStore }: { readonly maxFileStore?: string } = {}): Promise<TestServer> {
    const found = await serverBinary();
    const folder = await mkdtemp(join(tmpdir(), "jetdag-test-nats-"));
    const binary = maxFileStore === undefined ? found : await limited(found, folder, maxFileStore);
    return new TestServer(await runServer({ binary, folder }), binary, folder);
  }

  get url(): string {
    return this.#server.url;
  }
  get port(): number {
    return this.#server.port;
  }
  /** Where it stores everything. */
  get folder(): string {
    return this.#folder;
  }
  get pid(): number {
    return this.#server.pid;
  }

  /** Ends it in good order. */
  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** As a power cut would: nothing is flushed or told. */
  async kill(): Promise<void> {
    process.kill(this.#server.pid, "SIGKILL");
    await this.#server.stop();
  }

  /** Starts again on the same port and store, after having ended it where it still runs. */
  async restart(): Promise<void> {
    await this.#server.stop();
    this.#server = await runServer({ binary: this.#binary, folder: this.#folder, port: this.port });
  }

  /** Ends it in good order, and keeps what it has stored under this name. */
  async backUp(name: string): Promise<void> {
    await this.stop();
    await cp(this.#folder, this.#backup(name), { recursive: true });
  }

  /** What was kept under this name is all that it has stored. */
  async putBack(name: string): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, maxRetries: 5 });
    await cp(this.#backup(name), this.#folder, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    const folders = [this.#folder, ...this.#backups];
    for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #backup(name: string): string {
    const folder = `${this.#folder}-${name}`;
    this.#backups.add(folder);
    return folder;
  }
}

/** The same server, with a limit that it knows no flag for. */
async function limited(binary: string, folder: string, maxFileStore: string): Promise<string> {
  const config = join(folder, "limit.conf");
  await writeFile(config, `jetstream { max_file_store: ${maxFileStore} }\n`);
  const script = join(folder, "limited-nats-server");
  await writeFile(script, `#!/bin/sh\nexec '${binary}' -c '${config}' "$@"\n`, { mode: 0o755 });
  return script;
}
