/**
 * The HTTP port of a service, for those that look after it: whether it lives, whether it can do its work, and what
 * Prometheus asks for. It shows nothing of runs, and changes nothing.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface ServicePortOptions {
  /** 0 takes one that is free. On all interfaces: what asks is outside of the pod. */
  readonly port: number;
  /** Name of the service in the answers. */
  readonly service: string;
  /** Why it cannot do its work now, in one line; nothing when it can. */
  whyNotReady(): string | undefined;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

export interface ServicePort {
  /** The one it got. */
  readonly port: number;
  close(): Promise<void>;
}

/** The port cannot be listened on; the message says why and what to do. */
export class PortNotUsable extends Error {
  readonly code = "PORT_NOT_USABLE";
  constructor(message: string) {
    super(message);
    this.name = "PortNotUsable";
  }
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Whoever asks is a program nearby: slower ones are let go. */
const REQUEST_MS = 5_000;
const MAX_CONNECTIONS = 100;

/** Rejects with `PortNotUsable`. */
export async function openServicePort(options: ServicePortOptions): Promise<ServicePort> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      answer(request, response, options).catch((error: unknown) => response.destroy(error as Error));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.port);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explain(error, port)));
    server.listen(port, resolve);
  });
}

function explain(error: NodeJS.ErrnoException, port: number): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new PortNotUsable(
        `port ${port} is taken: give another one by --http-port, or 0 for any that is free`,
      );
    case "EACCES":
      return new PortNotUsable(
        `port ${port} needs rights that this user does not have: give one above 1023 by --http-port`,
      );
    default:
      return new PortNotUsable(`port ${port} cannot be listened on: ${error.message}`);
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ServicePortOptions,
): Promise<void> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const { status, contentType, body } = await pageFor(path, request.method, options);
  if (status === 405) response.setHeader("allow", "GET, HEAD");
  const length = Buffer.byteLength(body);
  const headers = { "content-type": contentType, "content-length": length, "cache-control": "no-store" };
  response.writeHead(status, headers);
  response.end(body);
}

async function pageFor(path: string, method: string | undefined, options: ServicePortOptions): Promise<Page> {
  const make = makerOf(path);
  if (make === undefined) return json(404, { error: "not found; there are /healthz, /readyz and /metrics" });
  if (method !== "GET" && method !== "HEAD") return json(405, { error: "only GET and HEAD are allowed" });
  return make(options);
}

function makerOf(path: string): ((options: ServicePortOptions) => Page | Promise<Page>) | undefined {
  switch (path) {
    case "/healthz":
    case "/health":
      // That it answers is the answer.
      return ({ service }) => json(200, { status: "healthy", service });
    case "/readyz":
      return readiness;
    case "/metrics":
      return async ({ metrics: { contentType, text } }) => ({ status: 200, contentType, body: await text() });
    default:
      return undefined;
  }
}

function readiness({ service, whyNotReady }: ServicePortOptions): Page {
  const reason = whyNotReady();
  return reason === undefined
    ? json(200, { status: "ready", service })
    : json(503, { status: "not-ready", service, reason });
}

function json(status: number, value: object): Page {
  return { status, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}
