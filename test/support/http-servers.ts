/** HTTP servers as tests need them: good ones, and those that break every rule. */
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import { CERTIFICATE, KEY } from "./certificate.ts";

/** A server on a free port of 127.0.0.1, gone at the end of the test with all its connections. */
export class TestHttp implements AsyncDisposable {
  readonly #server: Server;
  readonly sockets = new Set<Socket>();
  /** How many connections were made so far. */
  connections = 0;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
    server.on("connection", (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.sockets.delete(socket));
    });
  }

  static http(answer: RequestListener, host?: string): Promise<TestHttp> {
    return new TestHttp(createHttp(answer), "http").#listen(host);
  }

  static https(answer: RequestListener): Promise<TestHttp> {
    return new TestHttp(createHttps({ key: KEY, cert: CERTIFICATE }, answer), "https").#listen();
  }

  /** What comes over the line is handed in as it is. */
  static raw(connected: (socket: Socket) => void, scheme: "http" | "https" = "http"): Promise<TestHttp> {
    return new TestHttp(createTcp(connected), scheme).#listen();
  }

  async #listen(host = "127.0.0.1"): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, host, resolve));
    return this;
  }

  /** Connections that are open and have been used. */
  get inUse(): number {
    return [...this.sockets].filter((socket) => socket.bytesRead > 0).length;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Without a slash at its end. */
  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
