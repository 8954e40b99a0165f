/** Tasks of type http with servers that behave: what is sent, and what becomes of the answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { TestHttp } from "../support/http-servers.ts";
import { call, context } from "../support/task-call.ts";

const http = new HttpTaskExecutor({ bodyLimit: 1_000 });
const answers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
let server: TestHttp;

beforeAll(async () => {
  server = await TestHttp.http((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://x");
    (answers.get(pathname) ?? echo)(request, response);
  });
});
afterAll(async () => server[Symbol.asyncDispose]());

/** Answers with the request. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { method, url, headers } = request;
    const body = Buffer.concat(chunks).toString();
    response
      .writeHead(200, { "content-type": "application/json; charset=utf-8" })
      .end(JSON.stringify({ method, url, headers, body, type: headers["content-type"] ?? null }));
  });
}

/** What a path answers. */
function on(path: string, answer: (response: ServerResponse, request: IncomingMessage) => void): void {
  answers.set(path, (request, response) => answer(response, request));
}

async function ask(options: JsonObject, executor = http): Promise<TaskReturn> {
  const url = typeof options.url === "string" ? `${server.url}${options.url}` : server.url;
  return executor.execute(call("", { type: "http", options: { ...options, url } }), context());
}

/** What the server got. */
async function sent(options: JsonObject): Promise<JsonObject> {
  const result = await ask(options);
  expect(result).toMatchObject({ ok: true, output: { status: 200 } });
  return result.output?.body as JsonObject;
}

async function bodyOf(options: JsonObject): Promise<unknown> {
  return (await ask(options)).output?.body;
}

describe("the command", () => {
  test.each([
    ["GET /echo", { method: "GET", type: null, body: "" }],
    ['post /echo {"a": 1}', { method: "POST", type: "application/json", body: '{"a": 1}' }],
    ["PUT /echo x", { method: "PUT", type: "application/json", body: "x" }],
    ["PATCH /echo x y", { method: "PATCH", type: "application/json", body: "x y" }],
    ["DELETE /echo", { method: "DELETE", type: null, body: "" }],
    ["OPTIONS /echo", { method: "OPTIONS", type: null, body: "" }],
  ])("%s", async (command, body) => {
    const result = await http.execute(call(command.replace(" /", ` ${server.url}/`)), context());
    expect(result).toMatchObject({ ok: true, output: { status: 200, body } });
  });

  test.each([
    ["a method that is none", "FETCH http://x/", "command: method 'FETCH' is not one of GET, POST, PUT"],
    ["no address", "GET", "command: the URL is missing; write METHOD URL [BODY]"],
    ["no URL", "GET nowhere", "command: 'nowhere' is no URL; write METHOD URL [BODY]"],
    [
      "no URL, with a password",
      "GET //me:pw@x?key=1",
      "command: '//…@x?…' is no URL; write METHOD URL [BODY]",
    ],
    ["another scheme", "GET ftp://x/", "command: 'ftp:' is not http: or https:"],
  ])("failures: %s", async (_name, command, message) => {
    const { ok, error } = (await http.execute(call(command), context())) as TaskReturn & { ok: false };
    expect([ok, error.reason, error.isFinal]).toEqual([false, "bad-input", undefined]);
    expect(error.message).toContain(message);
  });

  test("goes together with options", async () => {
    const options = { headers: { "X-One": "1" }, query: { b: "2" } };
    const { output } = await http.execute(call(`GET ${server.url}/echo?a=1`, { options }), context());
    expect(output?.body).toMatchObject({ url: "/echo?a=1&b=2", headers: { "x-one": "1" } });
  });
});

describe("what is sent", () => {
  test("without anything: a GET, and headers that say who asks and what is understood", async () => {
    const { method, headers, body } = await sent({});
    expect([method, body]).toEqual(["GET", ""]);
    expect(headers).toEqual({
      host: new URL(server.url).host,
      connection: "keep-alive",
      accept: "*/*",
      "accept-encoding": "gzip, br",
      "user-agent": "jetdag",
    });
  });

  test("headers in any case, several of a name; own ones come before the defaults", async () => {
    const headers = {
      Accept: "text/csv",
      "X-Several": ["a", "b"],
      "User-Agent": "me",
      "Content-Type": "x/y",
    };
    expect(await sent({ headers, json: {} })).toMatchObject({
      method: "POST",
      headers: { accept: "text/csv", "x-several": "a, b", "user-agent": "me", "content-type": "x/y" },
    });
  });

  test("a query, written so that it arrives as it was", async () => {
    const query = { q: "a b&c=d", list: ["1", "2"], ü: "é+" };
    const { url } = await sent({ url: "/echo?first=1", query });
    expect([...new URL(url as string, "http://x").searchParams]).toEqual([
      ["first", "1"],
      ["q", "a b&c=d"],
      ["list", "1"],
      ["list", "2"],
      ["ü", "é+"],
    ]);
  });

  test("a query that is there already stays as it is written", async () => {
    expect(await sent({ url: "/echo?flag&sig=a/b%20c" })).toMatchObject({ url: "/echo?flag&sig=a/b%20c" });
    expect(await sent({ url: "/echo?flag&sig=a/b%20c", query: { page: "2" } })).toMatchObject({
      url: "/echo?flag&sig=a/b%20c&page=2",
    });
  });

  test.each([
    [{ json: { a: [1, null] } }, "application/json", '{"a":[1,null]}'],
    [{ json: null }, "application/json", "null"],
    [{ json: false }, "application/json", "false"],
    [{ text: " as it is\n" }, "text/plain; charset=utf-8", " as it is\n"],
    [{ text: "" }, "text/plain; charset=utf-8", ""],
    [{ form: { a: "x y", b: ["1", "&"] } }, "application/x-www-form-urlencoded", "a=x+y&b=1&b=%26"],
  ])("a body: %j", async (options, type, body) => {
    expect(await sent(options)).toMatchObject({ method: "POST", body, headers: { "content-type": type } });
    expect(await sent({ ...options, method: "put" })).toMatchObject({ method: "PUT", body });
  });

  test.each([
    ["a token", { auth: { bearer: "t0ken" } }, "Bearer t0ken"],
    ["user and password", { auth: { basic: { username: "mü", password: "a:b" } } }, "Basic bcO8OmE6Yg=="],
    ["a header", { headers: { authorization: "Own x" } }, "Own x"],
  ])("who asks, by %s", async (_name, options, authorization) => {
    expect(await sent(options)).toMatchObject({ headers: { authorization } });
  });

  test("user and password of a URL", async () => {
    const url = server.url.replace("//", "//me:p%40ss%2@");
    const { output } = await http.execute(call(`GET ${url}/echo`), context());
    const authorization = `Basic ${Buffer.from("me:p%40ss%2").toString("base64")}`;
    expect(output?.body).toMatchObject({ headers: { authorization } });
    const right = await http.execute(call(`GET ${url.replace("%2@", "@")}/echo`), context());
    expect(right.output?.body).toMatchObject({ headers: { authorization: "Basic bWU6cEBzcw==" } });
  });

  test("what a secret turns out to be, and no header can hold, is told without it", async () => {
    const result = await ask({ auth: { bearer: "top\nsecret" } });
    expect(result).toMatchObject({ ok: false, error: { reason: "bad-input" } });
    expect(JSON.stringify(result)).not.toContain("secret");
  });
});

describe("what becomes of the answer", () => {
  const json = { "content-type": "application/json" };

  test.each([
    ["application/json", '{"a":1}', { a: 1 }],
    ["application/problem+json; charset=utf-8", "[1]", [1]],
    ["APPLICATION/JSON", "null", null],
    ["application/json", "\uFEFF7", 7],
    ["application/json", "", ""],
    ["application/jsonl", '{"a":1}', '{"a":1}'],
    ["text/plain", '{"a":1}', '{"a":1}'],
    ["text/plain", "two\nlines\n", "two\nlines\n"],
  ])("%s %j", async (type, text, body) => {
    on("/typed", (response) => response.writeHead(200, { "content-type": type }).end(text));
    expect(await bodyOf({ url: "/typed" })).toEqual(body);
  });

  test("what says that it is JSON and is not is kept as text, and the log says so", async () => {
    on("/broken", (response) => response.writeHead(200, json).end('{"a":'));
    const lines: string[] = [];
    const options = { url: `${server.url}/broken` };
    const result = await http.execute(call("", { options }), {
      ...context(),
      log: (line) => lines.push(line),
    });
    expect(result).toMatchObject({ ok: true, output: { body: '{"a":' } });
    expect(lines).toEqual([
      "the body of the answer is not the JSON that it says it is (application/json); it is kept as text",
      expect.stringMatching(/^GET http:\/\/127\.0\.0\.1:\d+\/broken → 200 in \d+ ms$/),
    ]);
  });

  test.each([
    ["text/plain; charset=iso-8859-1", Buffer.from([0xe4]), "ä"],
    ['text/plain; charset="utf-16le"', Buffer.from("snow ☃", "utf16le"), "snow ☃"],
    ["text/plain; charset=none", Buffer.from("ä"), "ä"],
    ["image/png", Buffer.from([0x89, 0x50, 0x00, 0xff]), "\uFFFDP\0\uFFFD"],
  ])("characters of %s", async (type, bytes, text) => {
    on("/bytes", (response) => response.writeHead(200, { "content-type": type }).end(bytes));
    expect(await bodyOf({ url: "/bytes" })).toBe(text);
  });

  const text = "packed ".repeat(100);
  test.each([
    ["gzip", gzipSync(text)],
    ["X-GZip", gzipSync(text)],
    ["br", brotliCompressSync(text)],
    ["deflate", deflateSync(text)],
    ["identity", Buffer.from(text)],
    ["gzip, br", brotliCompressSync(gzipSync(text))],
  ])("%s is unpacked", async (encoding, bytes) => {
    on("/packed", (response) => response.writeHead(200, { "content-encoding": encoding }).end(bytes));
    expect(await bodyOf({ url: "/packed" })).toBe(text);
  });

  test.each([
    ["gzip", Buffer.from("no gzip at all"), "the body of the answer is no gzip: incorrect header check"],
    ["gzip", gzipSync(text).subarray(0, 20), "the body of the answer is no gzip: unexpected end of file"],
    ["br", Buffer.from("no brotli at all"), "the body of the answer is no br: Decompression failed"],
    [
      "zip",
      Buffer.from("x"),
      "the body of the answer is packed as 'zip', which is not known; ask for another",
    ],
    ["gzip, gzip, gzip, gzip", Buffer.from("x"), "is packed as 'gzip, gzip, gzip, gzip', which is not known"],
  ])("what is no %s fails", async (encoding, bytes, message) => {
    on("/mispacked", (response) => response.writeHead(200, { "content-encoding": encoding }).end(bytes));
    const { ok, error } = (await ask({ url: "/mispacked" })) as TaskReturn & { ok: false };
    expect([ok, error.reason]).toEqual([false, "bad-output"]);
    expect(error.message).toContain(message);
  });

  test.each([
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ])("%s answered %d has no body, whatever its headers say", async (method, status) => {
    const headers = { ...json, "content-encoding": "gzip", "x-there": "yes" };
    on("/empty", (response) => response.writeHead(status, headers).end());
    const result = await ask({ url: "/empty", method, response_headers: ["X-There"] });
    expect(result).toEqual({ ok: true, output: { status, headers: { "x-there": "yes" }, body: "" } });
  });

  test("in chunks, one byte at a time", async () => {
    on("/chunks", (response) => {
      response.writeHead(200, json);
      for (const byte of Buffer.from('{"ä":"☃"}')) response.write(Buffer.from([byte]));
      response.end();
    });
    expect(await bodyOf({ url: "/chunks" })).toEqual({ ä: "☃" });
  });

  test.each([
    [undefined, { "content-type": "text/plain" }],
    [[], {}],
    [["X-Two", "set-cookie", "x-none"], { "x-two": "2", "set-cookie": ["a=1", "b=2"] }],
  ])("headers that go into the output: %j", async (names, headers) => {
    on("/headers", (response) =>
      response
        .writeHead(200, { "content-type": "text/plain", "x-two": "2", "set-cookie": ["a=1", "b=2"] })
        .end(),
    );
    const chosen: JsonObject = names === undefined ? {} : { response_headers: names };
    expect((await ask({ url: "/headers", ...chosen })).output?.headers).toEqual(headers);
    const all = await ask({ url: "/headers", response_headers: ["*"] });
    expect(Object.keys(all.output?.headers as JsonObject)).toContain("date");
  });

  test.each([
    [1_000, undefined],
    [1_001, true],
    [5_000, true],
  ])("of %d bytes 1,000 are kept", async (size, truncated) => {
    on("/large", (response) => response.writeHead(200, json).end(`"${"x".repeat(size - 2)}"`));
    const { output } = await ask({ url: "/large" });
    expect(output?.body_truncated).toBe(truncated);
    expect(output?.body).toBe(truncated ? `"${"x".repeat(999)}` : "x".repeat(998));
  });
});

test("requests one after the other share connections, also over redirects with a body", async () => {
  await using own = await TestHttp.http((request, response) => {
    if (request.url === "/moved") response.writeHead(302, { location: "/there" }).end("go there");
    else response.end("here");
  });
  for (const path of ["/a", "/b", "/moved", "/c", "/moved", "/d"]) {
    expect(await http.execute(call(`GET ${own.url}${path}`), context())).toMatchObject({ ok: true });
  }
  // The body of a redirect is still on its way when the next request goes out.
  expect(own.connections).toBe(2);
});
