/** Three real nats-servers as one JetStream cluster, each with a store of its own. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClusterInfo, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Keeper } from "../../internal/nats/server/keeper.ts";
import { serverBinary } from "./nats-server.ts";
import { until } from "./until.ts";

const SIZE = 3;
/** Until three servers have found each other and elected who leads. */
const ELECTED_MS = 60_000;

interface Peer {
  readonly name: string;
  readonly port: number;
  readonly args: readonly string[];
  readonly pidFile: string;
  readonly logFile: string;
  keeper?: Keeper;
}

export class TestServerCluster implements AsyncDisposable {
  readonly #binary: string;
  readonly #folder: string;
  readonly #peers: readonly Peer[];

  private constructor(binary: string, folder: string, peers: readonly Peer[]) {
    this.#binary = binary;
    this.#folder = folder;
    this.#peers = peers;
  }

  /** Resolves when streams of three replicas can be made. */
  static async start(): Promise<TestServerCluster> {
    const binary = await serverBinary();
    const folder = await mkdtemp(join(tmpdir(), "jetdag-test-cluster-"));
    const ports = await freePorts(2 * SIZE);
    const routes = ports.slice(SIZE).map((port) => `nats://127.0.0.1:${port}`);
    const peers = routes.map((route, i): Peer => {
      const name = `n${i + 1}`;
      const home = join(folder, name);
      const port = ports[i] ?? 0;
      const pidFile = `${home}.pid`;
      const args = [
        ...["--server_name", name, "--addr", "127.0.0.1", "--port", String(port), "--pid", pidFile],
        ...["--cluster_name", "test", "--cluster", route, "--routes", routes.join(",")],
        ...["--jetstream", "--store_dir", home],
      ];
      return { name, port, args, pidFile, logFile: `${home}.log` };
    });
    const cluster = new TestServerCluster(binary, folder, peers);
    for (const peer of peers) cluster.#begin(peer);
    await cluster.#withManager(async (jsm) => {
      await until(
        async () =>
          (await jsm.streams.add({ name: "ready", num_replicas: SIZE }).catch(() => undefined)) !== undefined,
        () => "no stream of three replicas can be made",
        ELECTED_MS,
      );
      await jsm.streams.delete("ready");
    });
    return cluster;
  }

  /** The addresses of all, separated by commas. */
  get url(): string {
    return this.#peers.map(({ port }) => `nats://127.0.0.1:${port}`).join(",");
  }

  /** Three replicas of every stream there is, each of them complete. */
  async replicate(): Promise<void> {
    await this.#withManager(async (jsm) => {
      for await (const { config } of jsm.streams.list()) {
        await jsm.streams.update(config.name, { num_replicas: SIZE });
      }
    });
    await this.complete();
  }

  /** Resolves once every replica of every stream and of every durable consumer is there and up to date. */
  async complete(): Promise<void> {
    let lagging = "";
    const whole = async (of: string, info: () => Promise<{ cluster?: ClusterInfo }>): Promise<boolean> => {
      const cluster = (await info().catch(() => undefined))?.cluster;
      lagging = `${of}: ${JSON.stringify(cluster ?? "no answer")}`;
      const others = cluster?.replicas ?? [];
      return (
        cluster?.leader !== undefined &&
        others.length === SIZE - 1 &&
        others.every(({ current, offline }) => current && !offline)
      );
    };
    await this.#withManager(async (jsm) => {
      await until(
        async () => {
          // By name: a list leaves out, without a word, what nobody leads.
          for await (const stream of jsm.streams.names()) {
            if (!(await whole(stream, () => jsm.streams.info(stream)))) return false;
            for (const consumer of await durablesOf(jsm, stream)) {
              if (!(await whole(`${stream} > ${consumer}`, () => jsm.consumers.info(stream, consumer)))) {
                return false;
              }
            }
          }
          return true;
        },
        () => `not every replica is up to date: ${lagging}`,
        ELECTED_MS,
      );
    });
  }

  /** The name of the server that leads a stream now. */
  async leaderOf(stream: string): Promise<string> {
    return this.#withManager(async (jsm) =>
      until(async () => (await jsm.streams.info(stream).catch(() => undefined))?.cluster?.leader),
    );
  }

  /** At once, and without a word. */
  async kill(name: string): Promise<void> {
    const { pidFile, keeper } = this.#peer(name);
    process.kill(Number(await readFile(pidFile, "utf8")), "SIGKILL");
    await keeper?.gone;
  }

  /** Starts one again that was killed. */
  restart(name: string): void {
    this.#begin(this.#peer(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { keeper } of this.#peers) keeper?.askToEnd();
    await Promise.all(this.#peers.map(async ({ keeper }) => keeper?.gone));
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #begin(peer: Peer): void {
    const { args, logFile } = peer;
    peer.keeper = new Keeper({ binary: this.#binary, args, logFile });
  }

  #peer(name: string): Peer {
    const peer = this.#peers.find((each) => each.name === name);
    if (peer === undefined) throw new Error(`no server is called '${name}'`);
    return peer;
  }

  async #withManager<T>(work: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
    const nc = await until(
      () =>
        connect({ servers: this.url.split(","), timeout: 2_000 }).catch(
          (): NatsConnection | undefined => undefined,
        ),
      () => "no server takes connections",
      ELECTED_MS,
    );
    try {
      return await work(await jetstreamManager(nc, { checkAPI: false }));
    } finally {
      await nc.close();
    }
  }
}

/** Those that are kept; one that follows a stream for a client has one replica for as long as it lives. */
async function durablesOf(jsm: JetStreamManager, stream: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, config } of jsm.consumers.list(stream)) {
    if (config.durable_name !== undefined) names.push(name);
  }
  return names;
}

/** Free now; the servers have to know each other's before they start. */
async function freePorts(n: number): Promise<number[]> {
  const listeners = Array.from({ length: n }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(listeners.map((listener) => once(listener, "listening")));
  const ports = listeners.map((listener) => (listener.address() as AddressInfo).port);
  await Promise.all(listeners.map((listener) => once(listener.close(), "close")));
  return ports;
}
