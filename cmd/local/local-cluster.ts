/**
 * A cluster on this machine: a nats-server, an executor and workers as processes of their own, kept running.
 *
 * All of them end when we are gone, however we went; what is stored stays for the next time.
 */
import { join } from "node:path";
import type { Keeper } from "../../internal/nats/server/keeper.ts";
import { type RunningServer, runServer, ServerFailed } from "../../internal/nats/server/run.ts";
import { CannotStart } from "./cannot-start.ts";
import type { DataFolder } from "./data-folder.ts";
import { Service, ServiceFailed, type ServiceOptions } from "./service.ts";
import type { ServiceLog } from "./service-log.ts";
import { Supervised } from "./supervised.ts";

export interface LocalClusterOptions {
  readonly data: DataFolder;
  readonly log: ServiceLog;
  /** Path of the nats-server program. */
  readonly binary: string;
  /** That and no other; 0 is any that is free. Default: 4222 where it is free, else any that is. */
  readonly port?: number;
  readonly workerProcesses: number;
  /** Of the executor's health and metrics; the workers have the next ones. 0: each has any that is free. Default: none. */
  readonly httpPort?: number;
  /** Flags of the executor. */
  readonly executor: readonly string[];
  /** Flags of each worker. */
  readonly worker: readonly string[];
  /** How long running attempts may go on when it is stopped, in milliseconds. */
  readonly drainMs: number;
  /** How long a task may take to end once it is told to, in milliseconds. */
  readonly graceMs: number;
}

export const USUAL_PORT = 4222;
/** For a worker to store what became of tasks that were ended with it. */
const STORE_MS = 5_000;
const EXECUTOR = "executor";
const NATS_SERVER = "nats-server";

interface Stoppable {
  stop(): Promise<void>;
}

export class LocalCluster {
  readonly #options: LocalClusterOptions;
  #server: Stoppable | undefined;
  #serverKeeper: Keeper | undefined;
  #executor: Stoppable | undefined;
  #workers: readonly Stoppable[] = [];
  #starting: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /** The names of its processes. */
  static namesOf(workerProcesses: number): string[] {
    return [NATS_SERVER, EXECUTOR, ...workerNames(workerProcesses)];
  }

  /** Resolves with the server when it and all services are up. Rejects with `CannotStart`. */
  async start(): Promise<RunningServer> {
    const starting = this.#startServer();
    this.#starting = starting;
    const server = await starting;
    if (this.#stopping) return server;
    const services = this.#servicesOf(server.url).map((options) => this.#run(options));
    [this.#executor, ...this.#workers] = services;
    try {
      await Promise.all(services.map((service) => service.ready()));
    } catch (error) {
      throw error instanceof ServiceFailed ? new CannotStart(error.message) : error;
    }
    if (this.#stopping) return server;
    [this.#executor, ...this.#workers] = services.map((service) => {
      const { options } = service;
      return this.#supervise(options.name, service, async () => this.#run(options));
    });
    return server;
  }

  /** Shows what the server and the services log from now on. */
  async follow(): Promise<void> {
    const { data, log, workerProcesses } = this.#options;
    await log.follow(NATS_SERVER, join(data.nats, "nats-server.log"));
    for (const name of [EXECUTOR, ...workerNames(workerProcesses)]) {
      await log.follow(name, join(data.logs, `${name}.log`));
    }
  }

  /** Drains the workers, then ends the others. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#starting.catch(() => undefined);
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await this.#executor?.stop();
    await this.#server?.stop();
  }

  /** While it stops: the workers end what they run. */
  hurry(): void {
    for (const worker of this.#workers) void worker.stop();
  }

  async #startServer(): Promise<RunningServer> {
    const { data, binary, port } = this.#options;
    const run = async (port: number): Promise<RunningServer> => {
      const server = await runServer({ binary, folder: data.nats, port });
      this.#serverKeeper = server.keeper;
      await data.lock.serverIs(server.pid);
      return server;
    };
    const server = await run(port ?? USUAL_PORT).catch((error: unknown) => {
      if (!(error instanceof ServerFailed)) throw error;
      if (!error.portTaken) throw new CannotStart(error.message);
      if (port === undefined) return run(0);
      throw new CannotStart(
        `port ${port} is taken: end what listens there, or give another one by --port, or none for any that is free`,
      );
    });
    // The services know it at this port.
    this.#server = this.#supervise(NATS_SERVER, server, () => run(server.port));
    return server;
  }

  /** The executor first. */
  #servicesOf(url: string): ServiceOptions[] {
    const { executor, worker, data, workerProcesses, drainMs, graceMs } = this.#options;
    const common = { logs: data.logs, killAfterMs: graceMs + STORE_MS };
    const workers = workerNames(workerProcesses).map((name, i): ServiceOptions => {
      const args = ["--nats", url, "--id", name, ...this.#httpFlags(i + 1), ...worker];
      return { ...common, program: "worker", name, args, drainMs };
    });
    const args = ["--nats", url, ...this.#httpFlags(0), ...executor];
    return [{ ...common, program: "executor", name: EXECUTOR, args }, ...workers];
  }

  #httpFlags(place: number): string[] {
    const { httpPort } = this.#options;
    if (httpPort === undefined) return [];
    return ["--http-port", String(httpPort === 0 ? 0 : httpPort + place)];
  }

  #run(options: ServiceOptions): Service {
    const server = this.#serverKeeper;
    return new Service({ ...options, ...(server === undefined ? {} : { server }) });
  }

  #supervise<T extends RunningServer | Service>(
    name: string,
    first: T,
    again: () => Promise<T>,
  ): Supervised<T> {
    const onEnded = (why: string, againInMs: number): void =>
      this.#options.log.warn(name, "ended by itself, started again", { why, in_ms: againInMs });
    return new Supervised(first, { again, onEnded });
  }
}

function workerNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `worker-${i + 1}`);
}
