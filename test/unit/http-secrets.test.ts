/** Does a secret in a URL show itself anywhere, wherever in the URL it stands, and however a URL is told that was read? */
import type { LookupAddress } from "node:dns";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import { Mask } from "../../internal/core/mask.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { NetPolicy } from "../../internal/tasks/net-policy.ts";
import { TestHttp } from "../support/http-servers.ts";
import { call, context } from "../support/task-call.ts";

const SECRET = "Top-S3CRET-Token";

vi.mock("node:dns", async (original) => {
  const real = await original<typeof import("node:dns")>();
  const lookup = (host: string, _options: object, callback: (...args: unknown[]) => void): void => {
    const found: LookupAddress[] = [{ address: "127.0.0.1", family: 4 }];
    if (host.endsWith(".there.test")) return queueMicrotask(() => callback(null, found));
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" });
    queueMicrotask(() => callback(error, []));
  };
  return { ...real, lookup };
});

let server: TestHttp;
let location = "";
beforeAll(async () => {
  server = await TestHttp.http((request, response) => {
    if (request.url?.startsWith("/from") === true) response.writeHead(302, { location }).end();
    else response.writeHead(404).end(`${request.method} http://${request.headers.host}${request.url}`);
  });
});
afterAll(async () => server[Symbol.asyncDispose]());

/** All that an attempt says: its log, its error and its output, as its worker masks them. */
async function told(options: JsonObject, secret = SECRET, entries = ["any"]): Promise<string> {
  const mask = new Mask([secret]);
  const said: string[] = [];
  const result = await new HttpTaskExecutor({ netPolicy: NetPolicy.of(entries) as NetPolicy }).execute(
    call("", { type: "http", options }),
    {
      ...context(),
      log: (line) => void said.push(mask.text(line)),
      masked: (text) => mask.text(text),
    },
  );
  if (!result.ok) said.push(`${result.error.reason}: ${mask.text(result.error.message)}`);
  said.push(JSON.stringify(mask.json(result.output ?? {})));
  return said.join("\n");
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

function expectHidden(text: string, secret = SECRET): void {
  expect(plain(text)).not.toContain(plain(secret));
}

describe("a secret in a URL", () => {
  test.each([
    ["its host", `http://${SECRET}.there.test:PORT/x`, "GET http://***.there.test:PORT/x answered 404"],
    ["a path", `http://a.there.test:PORT/${SECRET}/x`, "GET http://a.there.test:PORT/***/x answered 404"],
    ["a path that is read otherwise", `http://a.there.test:PORT/../${SECRET}`, "PORT/*** answered 404"],
    ["the query", `http://a.there.test:PORT/?key=${SECRET}`, "GET http://a.there.test:PORT/?… answered 404"],
    ["the user", `http://${SECRET}:x@a.there.test:PORT/`, "GET http://a.there.test:PORT/ answered 404"],
    ["the password", `http://x:${SECRET}@a.there.test:PORT/`, "GET http://a.there.test:PORT/ answered 404"],
    ["a host that is not there", `http://${SECRET}.nowhere.test/`, "getaddrinfo ENOTFOUND ***.nowhere.test"],
    ["a host in capitals", `HTTP://${SECRET.toUpperCase()}.NOWHERE.test/`, "ENOTFOUND"],
    ["a scheme", `${SECRET}:x`, "is neither http: nor https:"],
  ])("in %s", async (_where, url, message) => {
    const port = (text: string): string => text.replace("PORT", String(server.port));
    const text = await told({ url: port(url) });
    expectHidden(text);
    expect(text).toContain(port(message));
  });

  test("that is all of it", async () => {
    const hook = `https://Hooks.Nowhere.Test/T0PS/B1cret`;
    const text = await told({ url: hook }, hook);
    expect(text).toContain("network: GET ***: getaddrinfo ENOTFOUND ***");
    expectHidden(text, "hooks.nowhere.test");
  });

  test("that is all of it, and that a server tells without its host", async () => {
    const path = "/Hook/PathKeyABCdef123?k=Zz9";
    const hook = `http://a.there.test:${server.port}${path}`;
    expectHidden(await told({ url: hook }, hook), "PathKeyABCdef123");
    location = path;
    const redirected = await told({ url: `http://a.there.test:${server.port}/from` }, hook);
    expect(redirected).toContain("404");
    expectHidden(redirected, "PathKeyABCdef123");
  });

  test("with what a URL writes otherwise", async () => {
    const secret = "Schlüssel Ä/ö?x";
    const text = await told({ url: `http://a.there.test:${server.port}/x/${secret}` }, secret);
    expect(text).toContain(`GET http://a.there.test:${server.port}/x/***`);
    const host = "Schlüssel-Ä";
    expectHidden(await told({ url: `http://${host}.there.test:${server.port}/` }, host), "xn--schlssel");
  });

  test("that is an address the worker may not connect to", async () => {
    const text = await told({ url: "http://0x0A.1.2.3:81/" }, "0x0A.1.2.3", ["public"]);
    expect(text).toContain(
      "refused: GET http://***:81/: --allow-net of this worker (public) does not open ***",
    );
    expect(text).not.toContain("10.1.2.3");
  });

  test.each([
    ["as it is", (secret: string) => secret],
    ["in lower case", (secret: string) => secret.toLowerCase()],
  ])("of which a redirect tells %s", async (_how, write) => {
    const secret = write(SECRET);
    for (const to of [
      `http://${secret}.there.test:${server.port}/${SECRET}?${SECRET}`,
      `//${secret}.there.test:${server.port}/`,
      `http://u:${secret}@${secret}.nowhere.test/`,
      `/${SECRET}`,
      `${secret}:x`,
    ]) {
      location = to;
      const text = await told({ url: `http://${SECRET}.there.test:${server.port}/from/${SECRET}` });
      expectHidden(text);
      expect(text).toContain(`GET http://***.there.test:${server.port}/from/***`);
    }
  });
});
