/** Where http tasks may connect to: judged by the address that is used, at every connection, whatever the URL says. */
import type { LookupAddress } from "node:dns";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { NetPolicy } from "../../internal/tasks/net-policy.ts";
import { TestHttp } from "../support/http-servers.ts";
import { call, context } from "../support/task-call.ts";

/** What the name server says: the next answer for a host, and the last one for ever. */
const names = new Map<string, string[][]>();

vi.mock("node:dns", async (original) => {
  const real = await original<typeof import("node:dns")>();
  const lookup = (host: string, options: object, callback: (...args: unknown[]) => void): void => {
    const answers = names.get(host);
    if (answers === undefined) return real.lookup(host, options, callback);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    const found = (answer ?? []).map((address): LookupAddress => {
      return { address, family: address.includes(":") ? 6 : 4 };
    });
    return queueMicrotask(() => callback(null, found));
  };
  return { ...real, lookup };
});

let server: TestHttp;
beforeEach(async () => {
  server = await TestHttp.http((request, response) => {
    const to = new URL(request.url ?? "", "http://x").searchParams.get("to");
    if (to === null) response.writeHead(200, { connection: "close" }).end("reached");
    else response.writeHead(302, { location: to, connection: "close" }).end();
  });
});
afterEach(async () => server[Symbol.asyncDispose]());

function worker(...entries: string[]): (url: string) => Promise<TaskReturn> {
  const netPolicy = NetPolicy.of(entries);
  if (typeof netPolicy === "string") throw new Error(netPolicy);
  const http = new HttpTaskExecutor({ netPolicy });
  return (url) => http.execute(call(`GET ${url}`, { type: "http" }), context());
}

const reached = { ok: true, output: { body: "reached" } };
const refused = (message: string): object => ({ ok: false, error: { reason: "refused", message } });
const NAMED = "; link-local and metadata addresses have to be named there";

test.each([
  ["http://169.254.169.254/latest/meta-data", "169.254.169.254"],
  ["http://2852039166/", "169.254.169.254"],
  ["http://0xa9.0xfe.0251.254/", "169.254.169.254"],
  ["http://169.254.169.254./", "169.254.169.254"],
  ["http://１６９.254.169.254/", "169.254.169.254"],
  ["http://[::ffff:169.254.169.254]/", "::ffff:a9fe:a9fe"],
  ["http://[fe80::1]/", "fe80::1"],
  ["http://[fd00:ec2::254]/", "fd00:ec2::254"],
  ["http://me:secret@100.100.100.200/?key=secret", "100.100.100.200"],
])("by default metadata addresses are not reached, however they are written: %s", async (url, address) => {
  const result = await new HttpTaskExecutor().execute(call(`GET ${url}`), context());
  const message = `--allow-net of this worker (any) does not open ${address}${NAMED}`;
  expect(result).toEqual(refused(expect.stringContaining(message) as string));
  expect(JSON.stringify(result)).not.toContain("secret");
});

test("a zone cannot be named in a URL", async () => {
  const result = await worker("public")("http://[fe80::1%25eth0]/");
  expect(result).toMatchObject({ ok: false, error: { reason: "bad-input" } });
});

test.each([
  ["http://127.0.0.1:1/", "127.0.0.1"],
  ["http://[::1]:1/", "::1"],
  ["http://0/", "0.0.0.0"],
  ["https://10.0.0.1/", "10.0.0.1"],
])("with public, %s is not reached", async (url, address) => {
  expect(await worker("public")(url)).toEqual(
    refused(`GET ${new URL(url).href}: --allow-net of this worker (public) does not open ${address}`),
  );
});

test("nothing is sent to what is refused", async () => {
  expect(await worker("public", "10.0.0.0/8")(server.url)).toMatchObject({ error: { reason: "refused" } });
  expect(server.connections).toBe(0);
  expect(await worker("public", "127.0.0.0/8")(server.url)).toMatchObject(reached);
});

test("an IPv6 address is reached where the policy has it", async () => {
  await using own = await TestHttp.http((_request, response) => response.end("reached"), "::1");
  expect(await worker("::1")(`http://[::1]:${own.port}/`)).toMatchObject(reached);
});

test("a name is judged by all that it stands for, and only what is allowed is used", async () => {
  names.set("both.test", [["169.254.169.254", "10.9.9.9", "127.0.0.1"]]);
  expect(await worker("127.0.0.1")(`http://both.test:${server.port}/`)).toMatchObject(reached);
  expect(await worker("public")(`http://both.test:${server.port}/`)).toEqual(
    refused(
      `GET http://both.test:${server.port}/: both.test is 169.254.169.254, 10.9.9.9, 127.0.0.1: --allow-net of this worker (public) does not open 169.254.169.254, 10.9.9.9, 127.0.0.1${NAMED}`,
    ),
  );
});

test("a name that is allowed does not open metadata addresses", async () => {
  names.set("kind.test", [["169.254.169.254"]]);
  expect(await worker("kind.test")("http://kind.test/")).toMatchObject({ error: { reason: "refused" } });
  names.set("kind.test", [["127.0.0.1"]]);
  expect(await worker("*.test")(`http://kind.test:${server.port}/`)).toMatchObject(reached);
});

test("a name that stands for something else the next time is judged anew", async () => {
  names.set("rebound.test", [["127.0.0.1"], ["127.0.0.2"]]);
  const ask = worker("127.0.0.1");
  const url = `http://rebound.test:${server.port}/`;
  expect(await ask(url)).toMatchObject(reached);
  expect(await ask(url)).toMatchObject({ error: { reason: "refused" } });
  expect(server.connections).toBe(1);
});

test("a header cannot pass one host off as another", async () => {
  const netPolicy = NetPolicy.of(["kind.test"]) as NetPolicy;
  const options = { headers: { host: "kind.test" } };
  const result = await new HttpTaskExecutor({ netPolicy }).execute(
    call(`GET ${server.url}`, { options }),
    context(),
  );
  expect(result).toMatchObject({ error: { reason: "refused" } });
});

test.each([
  [
    "http://169.254.169.254/latest/",
    `--allow-net of this worker (any) does not open 169.254.169.254${NAMED}`,
  ],
  ["//169.254.169.254/latest/", `--allow-net of this worker (any) does not open 169.254.169.254${NAMED}`],
  ["http://meta.test/latest/", "meta.test is 169.254.170.2: --allow-net of this worker (any)"],
])("a redirect is judged like any other request: %s", async (to, why) => {
  names.set("meta.test", [["169.254.170.2"]]);
  const result = await new HttpTaskExecutor().execute(
    call(`GET ${server.url}/?to=${encodeURIComponent(to)}`),
    context(),
  );
  expect(result).toMatchObject(refused(expect.stringContaining(why) as string));
});

test("a name that nobody knows is no matter of policy", async () => {
  expect(await worker("public")("http://nowhere.invalid/")).toMatchObject({ error: { reason: "network" } });
});
