import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo } from "node:net";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const isRunning = (pid: number): boolean => {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2] !== "Z";
};

const textOf = (output: JsonObject | undefined): string =>
  typeof output?.stdout === "string" ? output.stdout : "";

describe("bash", () => {
  const bash = new BashTaskExecutor();

  test("identity and params by environment and file; the worker's own variables are not there", async () => {
    const own = new BashTaskExecutor({
      env: { PATH: process.env.PATH, NATS_URL: "secret", JETDAG_ID: "w", KEPT: "yes" },
    });
    const params = {
      text: "a 'b' \"c\" $(id)\nd",
      n: 5,
      none: null,
      list: [1],
      "odd key": "o",
      large: "x".repeat(40_000),
    };
    const script = 'env -0 | tr "\\n" "~" | tr "\\0" "\\n" | grep -v large; cat "$JETDAG_PARAMS_FILE"';
    const { ok, output } = await own.execute(call(script, { params, env: { TASK: "own" } }), context());
    expect(ok).toBe(true);
    const lines = textOf(output).split("\n");
    const variables = Object.fromEntries(lines.slice(0, -1).map((line) => line.split(/=(.*)/s).slice(0, 2)));
    expect(variables).toMatchObject({
      JETDAG_RUN_ID: "r",
      JETDAG_TASK_ID: "t",
      JETDAG_INDEX: "0",
      JETDAG_ATTEMPT: "2",
      JETDAG_IDEMPOTENCY_KEY: "r.t.0.2",
      JETDAG_PARAM_text: "a 'b' \"c\" $(id)~d",
      JETDAG_PARAM_n: "5",
      JETDAG_PARAM_none: "",
      JETDAG_PARAM_odd_key: "o",
      KEPT: "yes",
      TASK: "own",
    });
    for (const name of ["NATS_URL", "JETDAG_ID", "JETDAG_PARAM_list", "JETDAG_PARAM_large"])
      expect(variables).not.toHaveProperty(name);
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual(params);
    expect(existsSync(variables.JETDAG_PARAMS_FILE as string)).toBe(false);
  });

  test.each([
    ["lines", "printf 'a=1\\nb = x=y\\n' > $JETDAG_OUTPUT_FILE", { a: "1", b: " x=y" }],
    [
      "comments and empty lines",
      "printf '# made by hand\\n\\n  # and\\na=#1\\n' > $JETDAG_OUTPUT_FILE",
      { a: "#1" },
    ],
    ["a JSON object", `echo '{"a": {"b": [1]}}' > $JETDAG_OUTPUT_FILE`, { a: { b: [1] } }],
    ["nothing", "true", {}],
    ["a name that is taken", "echo stdout=mine > $JETDAG_OUTPUT_FILE", {}],
  ])("the output file: %s", async (_name, script, written) => {
    const { output } = await bash.execute(call(script), context());
    expect(output).toEqual({ ...written, stdout: "", stderr: "", exit_code: 0 });
  });

  test.each([
    ["neither lines nor JSON", "echo nonsense > $JETDAG_OUTPUT_FILE", "bad-output"],
    ["broken JSON", "echo '{x' > $JETDAG_OUTPUT_FILE", "bad-output"],
    ["an exit code", "echo last words >&2; exit 9", "exit-nonzero"],
    ["a signal", "kill -9 $$", "killed"],
  ])("failures: %s", async (_name, script, reason) => {
    expect(await bash.execute(call(script), context())).toMatchObject({ ok: false, error: { reason } });
  });

  test("a working directory that is not there", async () => {
    const lost = new BashTaskExecutor({ cwd: "/nowhere" });
    expect(await lost.execute(call("true"), context())).toMatchObject({
      ok: false,
      error: { reason: "spawn-failed" },
    });
  });

  test("100 MB of output: head and tail are kept, the cut says so", async () => {
    const { ok, output } = await bash.execute(
      call("echo begin; yes | head -c 100000000; echo end"),
      context(),
    );
    expect({ ok, cut: output?.stdout_truncated }).toEqual({ ok: true, cut: true });
    const text = output?.stdout as string;
    expect(text.length).toBeLessThan(1_100_000);
    expect(text.startsWith("begin\ny\n")).toBe(true);
    expect(text.endsWith("y\nend")).toBe(true);
    expect(text).toMatch(/\[… 9\d{7} bytes cut …\]/);
  });

  test("half a character and a null byte do no harm", async () => {
    const { output } = await bash.execute(call("printf 'a\\0b\\xe2\\x82'"), context());
    expect(output?.stdout).toBe("a\0b\uFFFD");
  });

  test("a script that ignores SIGTERM, and its children, are gone after the grace period", async () => {
    await using folder = await TestFolder.make();
    const stop = new AbortController();
    const script = `trap '' TERM; sleep 1000 & echo $! > ${folder.path}/child; echo $$ > ${folder.path}/self; while :; do sleep 1; done`;
    const running = bash.execute(call(script), context(stop.signal));
    const pids = await until(() => {
      if (!existsSync(`${folder.path}/self`)) return undefined;
      const found = ["self", "child"].map((name) => Number(readFileSync(`${folder.path}/${name}`, "utf8")));
      return found.every((pid) => pid > 0) ? found : undefined;
    });
    stop.abort();
    expect(await running).toMatchObject({ ok: false });
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test("children left behind end with the script", async () => {
    const { ok, output } = await bash.execute(call("sleep 1000 & echo $!"), context());
    expect(ok).toBe(true);
    expect(isRunning(Number(output?.stdout))).toBe(false);
  });
});

describe("http", () => {
  let server: Server;
  let base: string;
  const http = new HttpTaskExecutor({ bodyLimit: 1_000 });
  const hanging = new Map<string, ServerResponse>();
  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const path = request.url ?? "";
        if (path === "/moved") response.writeHead(302, { location: "/echo" }).end();
        else if (path === "/teapot")
          response.writeHead(418, { "content-type": "text/plain" }).end("short and stout");
        else if (path === "/large") response.end("x".repeat(5_000));
        else if (path.startsWith("/hang")) {
          hanging.set(path, response);
          if (path === "/hang-in-body") response.writeHead(200).write("half a");
        } else {
          const echo = {
            method: request.method,
            type: request.headers["content-type"] ?? null,
            body: Buffer.concat(chunks).toString(),
          };
          response
            .writeHead(200, { "content-type": "application/json; charset=utf-8" })
            .end(JSON.stringify(echo));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test.each([
    ["GET /echo", { method: "GET", type: null, body: "" }],
    ['post /echo {"a": 1}', { method: "POST", type: "application/json", body: '{"a": 1}' }],
    ["PUT /echo x", { method: "PUT", type: "application/json", body: "x" }],
    ["PATCH /echo x y", { method: "PATCH", type: "application/json", body: "x y" }],
    ["DELETE /echo", { method: "DELETE", type: null, body: "" }],
    ["OPTIONS /echo", { method: "OPTIONS", type: null, body: "" }],
    ["GET /moved", { method: "GET", type: null, body: "" }],
  ])("%s", async (command, body) => {
    const result = await http.execute(call(command.replace(" /", ` ${base}/`)), context());
    expect(result).toMatchObject({ ok: true, output: { status: 200, body } });
  });

  test("a status of 400 or above fails and keeps the output", async () => {
    expect(
      await http.execute(call(`GET ${base}/teapot?token=secret`.replace("?token=secret", "")), context()),
    ).toMatchObject({
      ok: false,
      error: { reason: "http-status", message: `GET ${base}/teapot answered 418` },
      output: { status: 418, body: "short and stout" },
    });
  });

  test("a large body is cut, and says so", async () => {
    const { output } = await http.execute(call(`GET ${base}/large`), context());
    expect(output).toMatchObject({ body_truncated: true });
    expect(JSON.stringify(output?.body).length).toBeLessThan(1_100);
  });

  test.each([
    ["nobody listens", "GET http://127.0.0.1:1/", "network"],
    ["a method that is none", "FETCH http://x/", "bad-input"],
    ["no address", "GET", "bad-input"],
    ["no URL", "GET nowhere", "bad-input"],
    ["another scheme", "GET ftp://x/", "bad-input"],
  ])("failures: %s", async (_name, command, reason) => {
    expect(await http.execute(call(command), context())).toMatchObject({ ok: false, error: { reason } });
  });

  test.each(["/hang-in-headers", "/hang-in-body"])(
    "an answer that does not come ends with the signal, and so does its connection: %s",
    async (path) => {
      const stop = new AbortController();
      const running = http.execute(call(`GET ${base}${path}`), context(stop.signal));
      const response = await until(() => hanging.get(path));
      stop.abort();
      expect(await running).toMatchObject({ ok: false, error: { reason: "network" } });
      await until(() => response.socket === null || response.socket.destroyed);
    },
  );
});
