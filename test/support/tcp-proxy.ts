/**
 * A network that can be taken away, between a process and a server on this machine.
 *
 * What cannot pass is kept and delivered once it can, as TCP does it by sending again: a partition loses no bytes of a
 * connection that outlives it. The end of a connection is held back in the same way, so each side goes on believing
 * in the other.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** One direction of one connection. */
class Pipe {
  readonly #to: Socket;
  readonly #waiting: { readonly bytes: Buffer | undefined; readonly dueAt: number }[] = [];
  #isHeld = false;
  #delayMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    this.#to = to;
    from.on("data", (bytes: Buffer) => this.#take(bytes));
    from.once("close", () => this.#take(undefined));
    // The close that follows says all there is to say.
    from.on("error", () => undefined);
  }

  set(isHeld: boolean, delayMs: number): void {
    this.#isHeld = isHeld;
    this.#delayMs = delayMs;
    this.#pump();
  }

  /** Nothing passes any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #take(bytes: Buffer | undefined): void {
    this.#waiting.push({ bytes, dueAt: performance.now() + this.#delayMs });
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    for (let next = this.#waiting[0]; next !== undefined && !this.#isHeld; next = this.#waiting[0]) {
      const early = next.dueAt - performance.now();
      if (early > 0) {
        this.#timer = setTimeout(() => this.#pump(), early);
        return;
      }
      this.#waiting.shift();
      if (next.bytes === undefined) this.#to.destroy();
      else if (!this.#to.destroyed) this.#to.write(next.bytes);
    }
  }
}

/** Which directions are held back, and how long the rest takes. */
interface Weather {
  readonly up: boolean;
  readonly down: boolean;
  readonly delayMs: number;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly up: Pipe;
  readonly down: Pipe;
}

export class TcpProxy implements AsyncDisposable {
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  #weather: Weather = { up: false, down: false, delayMs: 0 };
  #refuses = false;

  private constructor(port: number) {
    this.#listener = createServer((client) => this.#accept(client, port));
  }

  /** Stands before what listens on this port of this machine. */
  static async before(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(port);
    proxy.#listener.listen(0, "127.0.0.1");
    await once(proxy.#listener, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Everything passes, after so many milliseconds, also what was held back. */
  pass(delayMs = 0): void {
    this.#refuses = false;
    this.#set({ up: false, down: false, delayMs });
  }

  /** Nothing passes, and nobody is told; who connects hears nothing. */
  drop(): void {
    this.#set({ up: true, down: true, delayMs: 0 });
  }

  /** The server hears nothing of the client any more; the client still hears the server. */
  halfOpen(): void {
    this.#set({ up: true, down: false, delayMs: 0 });
  }

  /** All connections are reset, and new ones too, until it passes again. */
  cut(): void {
    this.#refuses = true;
    for (const { client, server } of this.#links) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #set(weather: Weather): void {
    this.#weather = weather;
    for (const link of this.#links) this.#apply(link);
  }

  #apply({ up, down }: Link): void {
    const { delayMs } = this.#weather;
    up.set(this.#weather.up, delayMs);
    down.set(this.#weather.down, delayMs);
  }

  #accept(client: Socket, port: number): void {
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(port, "127.0.0.1");
    for (const socket of [client, server]) socket.setNoDelay(true);
    const link = { client, server, up: new Pipe(client, server), down: new Pipe(server, client) };
    this.#links.add(link);
    this.#apply(link);
    let open = 2;
    const closed = (): void => {
      open--;
      if (open > 0) return;
      link.up.end();
      link.down.end();
      this.#links.delete(link);
    };
    client.once("close", closed);
    server.once("close", closed);
  }
}
