/** Tasks of type http with servers that break the rules: how each of them ends, and that all of them do. */
import { createServer as createTls } from "node:tls";
import type { AddressInfo, Socket } from "node:net";
import { createGzip } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskError } from "../../internal/core/outcome.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { CERTIFICATE, KEY } from "../support/certificate.ts";
import { TestFolder } from "../support/folder.ts";
import { TestHttp } from "../support/http-servers.ts";
import { Snippet } from "../support/snippet.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const LIMIT = 10_000;
const http = new HttpTaskExecutor({ bodyLimit: LIMIT });

async function errorOf(command: string, options: JsonObject = {}): Promise<TaskError> {
  const result = await http.execute(call(command, { type: "http", options }), context());
  if (result.ok) throw new Error(`it succeeded: ${JSON.stringify(result)}`);
  return result.error;
}

/** A server on the line that reads a request, whatever it is, and then does this. */
function afterRequest(act: (socket: Socket, request: string) => void): Promise<TestHttp> {
  return TestHttp.raw((socket) => socket.on("data", (data) => act(socket, data.toString())));
}

const OK = "HTTP/1.1 200 OK\r\n";

describe("TLS", () => {
  test("a certificate that nobody signed: it says what to do", async () => {
    await using server = await TestHttp.https((_request, response) => response.end("x"));
    expect(await errorOf(`GET ${server.url}/`)).toEqual({
      reason: "network",
      message: `GET ${server.url}/: the worker does not trust the server's certificate (self-signed certificate); name a file with the certificate of its CA in the worker's variable NODE_EXTRA_CA_CERTS`,
    });
  });

  test("and that helps", async () => {
    await using server = await TestHttp.https((_request, response) => response.end("trusted"));
    await using folder = await TestFolder.make();
    const file = await folder.write("ca.pem", CERTIFICATE);
    const body = `
      const { HttpTaskExecutor } = await load("internal/tasks/http.js");
      const call = { command: "GET " + input, options: {} };
      say(await new HttpTaskExecutor().execute(call, { signal: new AbortController().signal, log: () => {}, masked: (text) => text }));`;
    await using snippet = new Snippet(body, { input: server.url, env: { NODE_EXTRA_CA_CERTS: file } });
    await snippet.ended;
    expect(snippet.said).toMatchObject([{ ok: true, output: { body: "trusted" } }]);
  });

  test("a name that the certificate does not have", async () => {
    const tls = createTls({ key: KEY, cert: CERTIFICATE });
    await new Promise<void>((resolve) => tls.listen(0, "127.0.0.2", resolve));
    const { port } = tls.address() as AddressInfo;
    expect(await errorOf(`GET https://127.0.0.2:${port}/`)).toMatchObject({ reason: "network" });
    tls.close();
  });

  test("a server that speaks no TLS", async () => {
    await using server = await TestHttp.http((_request, response) => response.end("x"));
    const error = await errorOf(`GET ${server.url.replace("http:", "https:")}/`);
    expect(error).toMatchObject({
      reason: "network",
      message: expect.stringContaining("wrong version") as string,
    });
  });
});

describe("time", () => {
  test("connect_timeout: a connection that is not made, TLS and all", async () => {
    await using server = await TestHttp.raw(() => undefined, "https");
    expect(await errorOf(`GET ${server.url}/`, { connect_timeout: 0.05 })).toEqual({
      reason: "network",
      message: `GET ${server.url}/: no connection within 0.05 s (connect_timeout)`,
    });
  });

  test("headers_timeout: an answer that does not begin", async () => {
    await using server = await afterRequest(() => undefined);
    expect(await errorOf(`GET ${server.url}/`, { headers_timeout: 0.05 })).toEqual({
      reason: "network",
      message: `GET ${server.url}/: no answer within 0.05 s (headers_timeout)`,
    });
  });

  test("body_timeout: an answer that does not go on", async () => {
    await using server = await afterRequest((socket) => socket.write(`${OK}content-length: 9\r\n\r\nhalf`));
    expect(await errorOf(`GET ${server.url}/`, { body_timeout: 0.05 })).toEqual({
      reason: "network",
      message: `GET ${server.url}/: nothing more of the answer's body within 0.05 s (body_timeout)`,
    });
  });

  test("what comes slowly, but comes, is waited for", async () => {
    await using server = await TestHttp.http((_request, response) => {
      void slowly(response, ["a", "b", "c", "d", "e", "f"]);
    });
    // Longer in all than either limit.
    const options = { connect_timeout: 0.2, body_timeout: 0.2 };
    const result = await http.execute(call(`GET ${server.url}/`, { options }), context());
    expect(result).toMatchObject({ ok: true, output: { body: "abcdef" } });
  });

  test("limits that are longer than any timer", async () => {
    await using server = await TestHttp.http((_request, response) => void slowly(response, ["a", "b"]));
    const options = { connect_timeout: 9e9, headers_timeout: 9e9, body_timeout: 9e9 };
    const result = await http.execute(call(`GET ${server.url}/`, { options }), context());
    expect(result).toMatchObject({ ok: true, output: { body: "ab" } });
  });

  async function slowly(to: { write(text: string): void; end(): void }, parts: string[]): Promise<void> {
    for (const part of parts) {
      to.write(part);
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
    to.end();
  }

  test.each(["before there is a connection", "before the answer", "within the body", "within a packed body"])(
    "an attempt that must end does so, and its connection with it: %s",
    async (when) => {
      const isEarly = when.includes("connection");
      await using server = await TestHttp.raw(
        (socket) =>
          socket.on("data", () => {
            if (when.includes("packed"))
              socket.write(`${OK}content-encoding: gzip\r\ncontent-length: 9\r\n\r\n`);
            else if (when.includes("body")) socket.write(`${OK}content-length: 9\r\n\r\nhalf`);
          }),
        isEarly ? "https" : "http",
      );
      const stop = new AbortController();
      const running = http.execute(call(`GET ${server.url}/`), context(stop.signal));
      await until(() => server.inUse > 0);
      // As the worker does it.
      stop.abort("cancelled");
      expect(await running).toEqual({
        ok: false,
        error: { reason: "cancelled", message: "ended before its time" },
      });
      // One that is still being made ends when it is there, or at the system's limit; nothing is sent on it.
      await until(() => isEarly || server.inUse === 0);
    },
  );

  test("nothing is sent for an attempt that has ended before", async () => {
    await using server = await afterRequest(() => undefined);
    const stop = new AbortController();
    stop.abort("released");
    const result = await http.execute(call(`POST ${server.url}/`), context(stop.signal));
    expect(result).toMatchObject({ ok: false, error: { reason: "cancelled" } });
    expect(server.connections).toBe(0);
  });
});

describe("size", () => {
  test("a body that never ends is done with as soon as enough of it is there", async () => {
    await using server = await TestHttp.http((request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(4_096)));
      };
      response.on("drain", more);
      request.on("close", () => response.destroy());
      more();
    });
    const { ok, output } = await http.execute(call(`GET ${server.url}/`), context());
    expect([ok, output?.body, output?.body_truncated]).toEqual([true, "x".repeat(LIMIT), true]);
    await until(() => server.inUse === 0);
  });

  test("so is one that is small only as long as it is packed", async () => {
    await using server = await TestHttp.http((_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip", "content-type": "application/json" });
      const packing = createGzip();
      packing.pipe(response);
      const zeros = Buffer.alloc(1_048_576, "[");
      const more = (): void => {
        while (!response.destroyed && packing.write(zeros));
      };
      packing.on("drain", more);
      more();
    });
    const { ok, output } = await http.execute(call(`GET ${server.url}/`), context());
    expect([ok, output?.body, output?.body_truncated]).toEqual([true, "[".repeat(LIMIT), true]);
    await until(() => server.inUse === 0);
  });

  test("headers that never end", async () => {
    await using server = await afterRequest((socket) => {
      socket.write(`${OK}x-long: ${"x".repeat(1_000_000)}`);
    });
    const error = await errorOf(`GET ${server.url}/`);
    expect(error.reason).toBe("network");
    expect(error.message).toContain(
      "the headers of the answer are too large; NODE_OPTIONS=--max-http-header-size",
    );
  });

  test("JSON that is nothing but depth", async () => {
    const deep = "[".repeat(4_000) + "]".repeat(4_000);
    await using server = await TestHttp.http((_request, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(deep),
    );
    const { ok } = await http.execute(call(`GET ${server.url}/`), context());
    expect(ok).toBe(true);
  });
});

describe("connections", () => {
  test.each([
    ["nobody listens", "http://127.0.0.1:1/", "ECONNREFUSED"],
    ["a host that is not there", "http://nowhere.invalid/", "nowhere.invalid"],
  ])("%s", async (_name, url, why) => {
    const error = await errorOf(`GET ${url}`);
    expect(error.reason).toBe("network");
    expect(error.message).toContain(why);
  });

  test.each([
    ["closes", (socket: Socket) => socket.end()],
    ["resets", (socket: Socket) => socket.resetAndDestroy()],
    ["breaks within the headers", (socket: Socket) => socket.end(`${OK}x: y\r\n`)],
    ["breaks within the body", (socket: Socket) => socket.end(`${OK}content-length: 9\r\n\r\nhalf`)],
    [
      "breaks within a chunk",
      (socket: Socket) => socket.end(`${OK}transfer-encoding: chunked\r\n\r\n9\r\nx`),
    ],
    ["speaks something else", (socket: Socket) => socket.end("220 mail.example.com ESMTP\r\n")],
    [
      "says two lengths",
      (socket: Socket) => socket.end(`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nxy`),
    ],
    ["answers twice", (socket: Socket) => socket.end(`${OK}content-length: 1\r\n\r\nx${OK.repeat(2)}junk`)],
  ])("a server that %s: a failure or an answer, and one request", async (name, act) => {
    const requests: string[] = [];
    await using server = await afterRequest((socket, request) => {
      requests.push(request.split("\r\n")[0] ?? "");
      act(socket);
    });
    const result = await http.execute(call(`POST ${server.url}/order {}`), context());
    expect(result).toMatchObject(
      name === "answers twice"
        ? { ok: true, output: { body: "x" } }
        : { ok: false, error: { reason: "network" } },
    );
    expect(requests).toEqual(["POST /order HTTP/1.1"]);
  });

  test.each(["GET", "POST"])(
    "a connection that is closed just as it is used again: one %s, which is not sent twice",
    async (method) => {
      const requests: string[] = [];
      const used = new Set<Socket>();
      await using server = await afterRequest((socket, request) => {
        requests.push(request.slice(0, request.indexOf(" HTTP")));
        if (used.has(socket)) return socket.resetAndDestroy();
        used.add(socket);
        return socket.write(`${OK}content-length: 0\r\n\r\n`);
      });
      const sent: string[] = [];
      const reason = await until(async () => {
        sent.push(`${method} /${sent.length}`);
        const command = `${method} ${server.url}/${sent.length - 1}`;
        const result = await http.execute(call(command), context());
        return !result.ok && result.error.reason;
      });
      expect(reason).toBe("network");
      expect(requests).toEqual(sent);
    },
  );
});
