/** Redirects of http tasks: where they lead, and what goes along. */
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskError } from "../../internal/core/outcome.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { TestHttp } from "../support/http-servers.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const http = new HttpTaskExecutor();

async function errorOf(command: string): Promise<TaskError> {
  const result = await http.execute(call(command, { type: "http" }), context());
  if (result.ok) throw new Error(`it succeeded: ${JSON.stringify(result)}`);
  return result.error;
}

test.each([
  [301, "POST", "GET ''"],
  [302, "POST", "GET ''"],
  [303, "POST", "GET ''"],
  [307, "POST", "POST 'x'"],
  [308, "POST", "POST 'x'"],
  [302, "PUT", "PUT 'x'"],
  [303, "PUT", "GET ''"],
  [303, "DELETE", "GET ''"],
])("%d of a %s", async (status, method, then) => {
  await using server = await TestHttp.http((request, response) => {
    if (request.url === "/from") response.writeHead(status, { location: "to" }).end();
    else {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      const { "content-type": type = "" } = request.headers;
      request.on("end", () => response.end(`${request.method} '${body}' ${type}`));
    }
  });
  const { output } = await http.execute(call(`${method} ${server.url}/from x`), context());
  const type = then === "GET ''" || method === "DELETE" ? "" : "application/json";
  expect(output?.body).toBe(`${then} ${type}`);
});

test("a form that is answered at the same place", async () => {
  await using server = await TestHttp.http((request, response) => {
    if (request.method === "POST") response.writeHead(303, { location: "/" }).end();
    else response.end("thank you");
  });
  const { output } = await http.execute(
    call(`POST ${server.url}/`, { options: { form: { a: "1" } } }),
    context(),
  );
  expect(output?.body).toBe("thank you");
});

test("another origin gets no header that may be a credential, the same one does", async () => {
  await using other = await TestHttp.http((request, response) =>
    response.end(JSON.stringify(request.headers)),
  );
  await using server = await TestHttp.http((request, response) => {
    if (request.url === "/out") response.writeHead(307, { location: `${other.url}/` }).end();
    else if (request.url === "/in") response.writeHead(307, { location: "/same" }).end();
    else response.end(JSON.stringify(request.headers));
  });
  const options = {
    auth: { bearer: "secret" },
    headers: { cookie: "a=b", "x-api-key": "secret", accept: "text/csv", "accept-language": "de" },
  };
  const ask = async (path: string): Promise<JsonObject> => {
    const { output } = await http.execute(call(`POST ${server.url}${path} {}`, { options }), context());
    return JSON.parse(output?.body as string) as JsonObject;
  };
  const given = { accept: "text/csv", "accept-language": "de", "content-type": "application/json" };
  const secret = { authorization: "Bearer secret", cookie: "a=b", "x-api-key": "secret" };
  expect(await ask("/in")).toMatchObject({ ...given, ...secret });
  const out = await ask("/out");
  expect(out).toMatchObject({ ...given, host: new URL(other.url).host, "user-agent": "jetdag" });
  for (const name of Object.keys(secret)) expect(Object.keys(out)).not.toContain(name);
});

test("a loop ends at the limit, each way of it in the log", async () => {
  let asked = 0;
  await using server = await TestHttp.http((_request, response) => {
    asked++;
    response.writeHead(302, { location: "/again?key=secret" }).end();
  });
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const result = await http.execute(call(`GET ${server.url}/`, { options: { max_redirects: 2 } }), {
    ...context(),
    log,
  });
  expect(result).toEqual({
    ok: false,
    error: {
      reason: "http-status",
      message: `GET ${server.url}/again?…: there are more than 2 redirects (max_redirects)`,
    },
  });
  expect(asked).toBe(3);
  expect(lines).toEqual([
    `GET ${server.url}/ → 302, on to ${server.url}/again?…`,
    `GET ${server.url}/again?… → 302, on to ${server.url}/again?…`,
  ]);
  expect(await errorOf(`GET ${server.url}/`)).toMatchObject({
    message: expect.stringContaining("more than 5 redirects") as string,
  });
});

test("with max_redirects 0 the redirect is the answer", async () => {
  await using server = await TestHttp.http((_request, response) =>
    response.writeHead(302, { location: "/x" }).end("moved"),
  );
  const options = { max_redirects: 0, response_headers: ["Location"] };
  const { output } = await http.execute(call(`GET ${server.url}/`, { options }), context());
  expect(output).toEqual({ status: 302, headers: { location: "/x" }, body: "moved" });
});

test.each([
  ["http://[::1", "answered 302, with a Location that is no URL"],
  [["/a", "/b"], "answered 302, with several Locations"],
  ["file:///etc/passwd", "answered 302, with a Location that is neither http: nor https:"],
])("a redirect that leads nowhere: %s", async (location, why) => {
  await using server = await TestHttp.http((_request, response) =>
    response.setHeader("location", location).writeHead(302).end(),
  );
  expect(await errorOf(`GET ${server.url}/`)).toEqual({
    reason: "http-status",
    message: `GET ${server.url}/: ${why}`,
  });
});

test("a redirect whose body never ends is followed all the same, and its connection ends with the attempt", async () => {
  const hanging: Socket[] = [];
  await using server = await TestHttp.http((request, response) => {
    if (request.url === "/there") return response.end("there");
    hanging.push(request.socket);
    return response.writeHead(302, { location: "/there" }).write("wait for it");
  });
  const { output } = await http.execute(call(`GET ${server.url}/`), context());
  expect(output?.body).toBe("there");
  await until(() => hanging.every((socket) => socket.destroyed));
  expect(hanging).toHaveLength(1);
});
