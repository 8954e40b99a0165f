/** Http tasks from the command line: the example of docs/task-types.md, its secrets, and the worker's policy. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestHttp } from "../support/http-servers.ts";
import { dag } from "../support/programs.ts";

const EXAMPLE = new URL("../../examples/task-types/http.yaml", import.meta.url);

interface Seen {
  readonly line: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

test("the example: a server that wants to be asked again, and a webhook that nobody gets to see", async () => {
  const seen: Seen[] = [];
  await using server = await TestHttp.http((request, response) => {
    const { method, url, headers } = request;
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push({ line: `${method} ${url}`, authorization: headers.authorization, body });
      if (seen.length === 1) response.writeHead(429, { "retry-after": "1" }).end();
      else if (url?.startsWith("/orders") === true)
        response.setHeader("content-type", "application/json").setHeader("etag", '"7"').end('[{"id":1}]');
      else response.writeHead(204).end();
    });
  });
  await using folder = await TestFolder.make();
  const text = (await readFile(EXAMPLE, "utf8")).replace("127.0.0.1:8099", `127.0.0.1:${server.port}`);
  const file = await folder.write("http.yaml", text);
  const secrets = {
    JETDAG_SECRET_SHOP_TOKEN: "token-of-the-shop",
    JETDAG_SECRET_CHAT_HOOK: `${server.url}/hook/hidden`,
  };
  const { code, stdout, stderr } = await dag(["run", file, "--json"], secrets);
  expect(code).toBe(0);
  // With --json, what tasks log is there.
  expect(stderr.replaceAll(/\d+ ms/g, "1 ms")).toBe(
    [
      `open_orders: GET ${server.url}/orders?… → 429 in 1 ms`,
      `open_orders: GET ${server.url}/orders?… → 200 in 1 ms`,
      "announce: POST *** → 204 in 1 ms\n",
    ].join("\n"),
  );
  const { state, tasks } = JSON.parse(stdout) as { state: string; tasks: Record<string, unknown> };
  expect(state).toBe("completed");
  expect(tasks).toMatchObject({
    open_orders: { output: { status: 200, headers: { etag: '"7"' }, body: [{ id: 1 }] }, attempts: 2 },
    announce: { output: { status: 204, body: "" } },
  });
  const orders = {
    line: "GET /orders?state=open&shop=north&shop=south",
    authorization: "Bearer token-of-the-shop",
    body: "",
  };
  const hook = { line: "POST /hook/hidden", authorization: undefined, body: '{"text":"orders are in"}' };
  expect(seen).toEqual([orders, orders, hook]);
  expect(stdout).not.toMatch(/token-of-the-shop|hook\/hidden/);
});

test("a policy is told by the name of its setting, and refuses for good", async () => {
  await using server = await TestHttp.http((_request, response) => response.end("x"));
  await using folder = await TestFolder.make();
  const task = `{ id: a, type: http, command: GET ${server.url}/, retries: 3 }`;
  const file = await folder.write("x.yaml", `name: x\ntasks: [${task}]`);
  const { code, stdout } = await dag(["run", file, "--json", "--allow-net", "public,*.example.com"]);
  const { tasks } = JSON.parse(stdout) as { tasks: Record<string, unknown> };
  const error = {
    reason: "refused",
    message: `Task 'a' failed after 1 attempt: GET ${server.url}/: --allow-net of this worker (public,*.example.com) does not open 127.0.0.1`,
  };
  expect(code).toBe(1);
  expect(tasks.a).toMatchObject({ state: "failed", attempts: 1, error });
  expect(server.connections).toBe(0);
});

test.each(["run", "up"])("dag %s: a policy that is none", async (command) => {
  await using folder = await TestFolder.make();
  const file = await folder.write("x.yaml", "name: x\ntasks: [{ id: a, command: 'true' }]");
  const args = command === "run" ? [file] : ["--data", folder.path];
  const { code, stderr } = await dag([command, ...args], { JETDAG_ALLOW_NET: "public,10.0.0.0/33" });
  expect(code).toBe(2);
  expect(stderr).toContain(
    "JETDAG_ALLOW_NET: 'public,10.0.0.0/33' is not allowed: '10.0.0.0/33' is none of public, private, any,",
  );
});
