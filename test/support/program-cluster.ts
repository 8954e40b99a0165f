/** A cluster of the real programs, for a test file: a server, an executor and a worker, and a folder for its files. */
import { TestFolder } from "./folder.ts";
import { TestServer } from "./nats-server.ts";
import { dag, type Finished, Program } from "./programs.ts";
import { until } from "./until.ts";

export class ProgramCluster {
  readonly #server: TestServer;
  readonly folder: TestFolder;
  readonly #programs: readonly Program[];

  private constructor(server: TestServer, folder: TestFolder, worker: readonly string[]) {
    this.#server = server;
    this.folder = folder;
    this.#programs = [
      new Program("executor", ["--nats", server.url]),
      new Program("worker", ["--nats", server.url, ...worker]),
    ];
  }

  /** With these flags of the worker. Resolves once the worker is known to live. */
  static async start(...worker: string[]): Promise<ProgramCluster> {
    const cluster = new ProgramCluster(await TestServer.start(), await TestFolder.make(), worker);
    await until(
      async () => (await cluster.dag("workers")).stdout.includes("live"),
      () => cluster.#programs.map(({ stderr, stdout }) => stdout + stderr),
    );
    return cluster;
  }

  get url(): string {
    return this.#server.url;
  }

  /** A command on this cluster. */
  dag(...args: string[]): Promise<Finished> {
    return dag(args, { NATS_URL: this.url });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}
