/** Statuses of answers to http tasks: which are a success, and whether and when another attempt is worth it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { TestHttp } from "../support/http-servers.ts";
import { call, context } from "../support/task-call.ts";

const http = new HttpTaskExecutor();
const answers = new Map<string, (response: ServerResponse, request: IncomingMessage) => void>();
let server: TestHttp;

beforeAll(async () => {
  server = await TestHttp.http((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://x");
    answers.get(pathname)?.(response, request);
  });
});
afterAll(async () => server[Symbol.asyncDispose]());

async function ask({ url, ...options }: JsonObject & { readonly url: string }): Promise<TaskReturn> {
  const all = { ...options, url: `${server.url}${url}` };
  return http.execute(call("", { type: "http", options: all }), context());
}

/** What a path answers. */
function on(path: string, answer: (response: ServerResponse, request: IncomingMessage) => void): void {
  answers.set(path, answer);
}

describe("which statuses are a success", () => {
  on("/teapot", (response) =>
    response.writeHead(418, { "content-type": "text/plain" }).end("short and stout"),
  );
  on("/made", (response) => response.writeHead(201).end());

  test("400 and above is none, and keeps its output", async () => {
    expect(await ask({ url: "/teapot", query: { token: "abc" } })).toEqual({
      ok: false,
      error: { reason: "http-status", message: `GET ${server.url}/teapot?… answered 418` },
      output: { status: 418, headers: { "content-type": "text/plain" }, body: "short and stout" },
    });
  });

  test.each([[[418]], [["418"]], [["400-499"]], [["4xx"]], [["2xx", 418]]])(
    "%j takes 418",
    async (expected) => {
      expect(await ask({ url: "/teapot", expect_status: expected })).toMatchObject({ ok: true });
    },
  );

  test.each([[["2xx"]], [["200-300", 419]]])("%j does not", async (expected) => {
    const { ok, error } = (await ask({ url: "/teapot", expect_status: expected })) as TaskReturn & {
      ok: false;
    };
    expect([ok, error.message]).toEqual([
      false,
      `GET ${server.url}/teapot answered 418, expected ${expected.join(", ")}`,
    ]);
  });

  test("201 can be too little", async () => {
    const result = await ask({ url: "/made", expect_status: [200] });
    expect(result).toMatchObject({ ok: false, error: { reason: "http-status" }, output: { status: 201 } });
  });
});

test.each([
  ["/hook/secret", "/hook/secret"],
  ["/hook/secret?wait=true", "/hook/secret?…"],
  ["/hook/sec ret", "/hook/sec%20ret"],
  ["/a/../hook/secret", "/hook/secret"],
])("a URL is told as it is read, without its query: %s", async (url, shown) => {
  answers.set("/hook/secret", (response) => response.writeHead(404).end());
  answers.set("/hook/sec%20ret", (response) => response.writeHead(404).end());
  expect(await ask({ url })).toMatchObject({ error: { message: `GET ${server.url}${shown} answered 404` } });
});

describe("whether and when it is worth another attempt", () => {
  on("/busy", (response, request) => {
    const after = new URL(request.url ?? "", "http://x").searchParams.get("after") ?? "";
    response.writeHead(503, { "retry-after": after, date: "Wed, 21 Oct 2026 07:28:00 GMT" }).end();
  });

  test.each([
    ["5", 5_000],
    [" 0.5 ", undefined],
    ["0", undefined],
    ["-5", undefined],
    ["Wed, 21 Oct 2026 07:28:30 GMT", 30_000],
    ["Wed, 21 Oct 2026 07:00:00 GMT", undefined],
    ["Wed, 21 Oct 2126 07:28:00 GMT", 3_600_000],
    ["9".repeat(40), 3_600_000],
    ["soon", undefined],
    ["", undefined],
  ])("Retry-After: %s", async (after, againAfterMs) => {
    const { error } = (await ask({ url: "/busy", query: { after } })) as TaskReturn & { ok: false };
    expect(error.againAfterMs).toBe(againAfterMs);
  });

  test("a date without the server's own clock is held against ours", async () => {
    on("/no-clock", (response) => {
      response.sendDate = false;
      response.writeHead(429, { "retry-after": new Date(Date.now() + 600_000).toUTCString() }).end();
    });
    const { error } = (await ask({ url: "/no-clock" })) as TaskReturn & { ok: false };
    expect(error.againAfterMs).toBeGreaterThan(300_000);
    expect(error.againAfterMs).toBeLessThanOrEqual(600_000);
  });

  test("a success waits for nothing", async () => {
    const result = await ask({ url: "/busy", query: { after: "5" }, expect_status: ["5xx"] });
    expect(result).toEqual({ ok: true, output: { status: 503, headers: {}, body: "" } });
  });

  test.each([
    [undefined, undefined],
    [["5xx"], undefined],
    [[429, "500-599"], undefined],
    [[429], true],
  ])("retry_status %j", async (worthIt, isFinal) => {
    const { error } = (await ask({
      url: "/busy",
      ...(worthIt === undefined ? {} : { retry_status: worthIt }),
    })) as TaskReturn & { ok: false };
    expect(error.isFinal).toBe(isFinal);
  });
});
