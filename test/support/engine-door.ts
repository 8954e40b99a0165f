/** A way to the Docker engine that can be shut: connections break, and new ones find nobody. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { TestFolder } from "./folder.ts";

function engineSocket(): string {
  return process.env.DOCKER_HOST?.replace("unix://", "") ?? "/var/run/docker.sock";
}

export class EngineDoor {
  readonly #folder: TestFolder;
  readonly #engine = engineSocket();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #isOpen = true;
  turnedAway = 0;
  /** All that the engine was sent. */
  asked = "";

  private constructor(folder: TestFolder) {
    this.#folder = folder;
  }

  static async open(): Promise<EngineDoor> {
    const door = new EngineDoor(await TestFolder.make());
    await door.open();
    return door;
  }

  /** As in DOCKER_HOST. */
  get address(): string {
    return `unix://${this.#path}`;
  }

  async open(): Promise<void> {
    const server = createServer((socket) => {
      if (!this.#isOpen) {
        this.turnedAway++;
        socket.destroy();
        return;
      }
      const engine = connect(this.#engine);
      for (const [from, to] of [
        [socket, engine],
        [engine, socket],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => undefined);
        from.once("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
      socket.on("data", (data) => (this.asked += data.toString()));
    });
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.listen(this.#path, resolve);
    });
  }

  async shut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      if (this.#server === undefined) resolve(undefined);
      else this.#server.close(resolve);
    });
    this.#server = undefined;
  }

  /** Whoever comes is sent away at once, and counted. */
  turnAway(): void {
    this.#isOpen = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  letIn(): void {
    this.#isOpen = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shut();
    await this.#folder[Symbol.asyncDispose]();
  }

  get #path(): string {
    return join(this.#folder.path, "engine.sock");
  }
}
