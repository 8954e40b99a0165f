/** Secrets on a real cluster: the task has them, and nobody else ever sees one, on the wire, on the disk or on a screen. */
import { createHash } from "node:crypto";
import { chmod, readdir, readFile, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectNats, type Connection } from "../../internal/nats/connection.ts";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, type Finished, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

/** Of the environment, the folder and the command; the last as long as base64 breaks into lines. */
const VALUES = {
  TOKEN: "tök+en/of the=environment",
  "db-password": "pass'word\"of \\the folder",
  key: `-----BEGIN KEY-----\n${"Q7pL0xvT9dKfW2mZs8BnYc4RjHgU6eAi".repeat(5)}\n-----END KEY-----`,
} as const;

/** What no byte of which may leave the worker: whole, and the middle as base64 has it at each place, and in a URL. */
const NEEDLES = Object.values(VALUES).flatMap((value) => {
  const middle = [0, 1, 2].map((at) =>
    Buffer.from(`${"x".repeat(at)}${value}`)
      .toString("base64")
      .slice(4, 24),
  );
  const lines = value.split("\n");
  return [...lines, JSON.stringify(value).slice(1, -1), encodeURIComponent(value).slice(0, 30), ...middle];
});
const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

let server: TestServer;
let folder: TestFolder;
let connection: Connection;
let http: Server;
let executor: Program;
let worker: Program;
let other: Program;
/** All that was sent from anybody to anybody. */
const wire: Buffer[] = [];
const requests: IncomingMessage[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  folder = await TestFolder.make();
  connection = await connectNats({ servers: server.url, name: "test" });
  connection.nc.subscribe(">", {
    callback: (_error, message) => void wire.push(Buffer.from(`${message.subject} ${message.string()}`)),
  });
  await connection.nc.flush();
  http = createServer((request, response) => {
    requests.push(request);
    response.setHeader("content-type", "application/json");
    // As careless servers do.
    response.setHeader("x-token", request.headers.authorization ?? "");
    response.statusCode = request.url?.startsWith("/wrong") === true ? 401 : 200;
    response.end(JSON.stringify({ you_sent: request.headers, url: request.url }));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const secretsDir = await TestFolder.make();
  await secretsDir.write("db-password", `${VALUES["db-password"]}\n`);
  await secretsDir.write("key-file", VALUES.key);
  const command = await folder.write(
    "get-secret",
    `#!/bin/sh\n[ "$2" = key ] || { echo "no $2 in the vault" >&2; exit 4; }\ncat ${secretsDir.path}/key-file\n`,
  );
  await chmod(command, 0o755);
  const functions = await folder.write(
    "functions.mjs",
    `export function tell(params, { log }) { log("log " + params.auth); console.log("print", params.auth); return { ...params }; }
     export function late(params) { setTimeout(() => { throw new Error("late " + params.auth); }, 50); return {}; }
     export function shout(params) { throw new Error("shouted " + params.auth); }`,
  );
  const args = ["--nats", server.url, "--log-level", "debug"];
  executor = new Program("executor", args);
  worker = new Program(
    "worker",
    [
      ...args,
      "--id",
      "w",
      "--secrets-dir",
      secretsDir.path,
      "--secrets-command",
      `${command} get`,
      "--functions",
      functions,
    ],
    { JETDAG_SECRET_TOKEN: VALUES.TOKEN },
  );
  other = new Program("worker", [...args, "--id", "other", "--queues", "few", "--allow", "http,go"]);
  await Promise.all([
    executor.says("lease taken"),
    worker.says("worker started"),
    other.says("worker started"),
  ]);
});
afterAll(async () => {
  for (const program of [executor, worker, other]) await program[Symbol.asyncDispose]();
  await connection.nc.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
  http.close();
});

const on = (...args: string[]): Promise<Finished> => dag(args, { NATS_URL: server.url });

interface Task {
  readonly state: string;
  readonly attempts: number;
  readonly output: Record<string, unknown> | null;
  readonly error: { readonly reason: string; readonly message: string } | null;
}

/** Runs a DAG of these tasks to its end. */
async function run(
  id: string,
  definition: Record<string, unknown>,
  ...more: string[]
): Promise<Record<string, Task>> {
  const file = await folder.write(`${id}.json`, JSON.stringify({ name: id, ...definition }));
  const { stdout, stderr } = await on("run", file, "--run-id", id, "--json", ...more);
  expect(stderr).not.toContain("Error");
  return (JSON.parse(stdout) as { tasks: Record<string, Task> }).tasks;
}

function expectNoSecret(where: string, text: string | Buffer): void {
  for (const needle of NEEDLES) expect(text.includes(needle), `${needle} in ${where}`).toBe(false);
}

async function filesBelow(path: string): Promise<string[]> {
  const names = await readdir(path, { recursive: true });
  const paths = names.map((name) => `${path}/${name}`);
  const kinds = await Promise.all(paths.map(async (each) => (await stat(each)).isFile()));
  return paths.filter((_path, i) => kinds[i]);
}

test("the task has the value, and everybody else three stars", async () => {
  const { port } = http.address() as AddressInfo;
  const tasks = await run("all", {
    params: { auth: "Bearer secret://TOKEN", day: "monday" },
    tasks: [
      {
        id: "script",
        env: { PW: "secret://db-password", KEY: "secret://{key}" },
        params: { deep: [{ token: "secret://TOKEN" }] },
        command: `
          printf %s "$PW" | sha256sum; printf %s "$KEY" | sha256sum; printf %s "$JETDAG_PARAM_auth" | sha256sum
          env | grep -c JETDAG_SECRET
          echo "plain $PW and $JETDAG_PARAM_auth"; printf %s "$PW" >&2
          echo "$KEY" | base64; printf %s "user:$PW" | base64; echo "$KEY"
          cat "$JETDAG_PARAMS_FILE"
          printf '{"token": "%s", "nothing": "secret://TOKEN", "day": 1}' "$JETDAG_PARAM_day-$(printf %s "$PW" | base64)" > "$JETDAG_OUTPUT_FILE"`,
      },
      {
        id: "fails",
        command: 'echo "cannot log in with $PW" >&2; exit 9',
        env: { PW: "secret://db-password" },
      },
      { id: "tells", type: "function", command: "tell" },
      { id: "shouts", type: "function", command: "shout" },
      {
        id: "asks",
        type: "http",
        command: `GET http://127.0.0.1:${port}/path`,
        with: {
          auth: { bearer: "secret://TOKEN" },
          headers: { "X-Password": "<secret://{db-password}>" },
          query: { pw: "secret://db-password" },
        },
      },
      {
        id: "basic",
        type: "http",
        command: `GET http://127.0.0.1:${port}/wrong`,
        with: { auth: { basic: { username: "app", password: "secret://db-password" } } },
      },
      { id: "late", type: "function", command: "late" },
      // What a task puts out is data: it names no secret.
      { id: "after", depends_on: ["script"], command: 'echo "$JETDAG_PARAM_script__nothing"' },
    ],
  });
  expect(tasks.script).toMatchObject({ state: "completed", output: { token: "monday-***", day: 1 } });
  const lines = String(tasks.script?.output?.stdout).split("\n");
  const sums = [VALUES["db-password"], VALUES.key, `Bearer ${VALUES.TOKEN}`].map((text) => `${sha(text)}  -`);
  expect(lines.slice(0, 5)).toEqual([...sums, "0", "plain *** and Bearer ***"]);
  expect(tasks.script?.output?.stderr).toBe("***");
  expect(tasks.fails?.error).toMatchObject({
    reason: "exit-nonzero",
    message: "Task 'fails' failed after 1 attempt: exit code 9: cannot log in with ***",
  });
  expect(tasks.tells).toMatchObject({ state: "completed", output: { auth: "Bearer ***", day: "monday" } });
  expect(tasks.shouts?.error).toMatchObject({
    reason: "function-error",
    message: "Task 'shouts' failed after 1 attempt: Error: shouted Bearer ***",
  });
  const sent = (path: string): IncomingMessage | undefined =>
    requests.find(({ url }) => url?.startsWith(path) === true);
  const { headers, url = "" } = sent("/path") ?? {};
  const given = [headers?.authorization, headers?.["x-password"]];
  expect(given).toEqual([`Bearer ${VALUES.TOKEN}`, `<${VALUES["db-password"]}>`]);
  expect(new URL(url, "http://x").searchParams.get("pw")).toBe(VALUES["db-password"]);
  const body = { you_sent: { authorization: "Bearer ***", "x-password": "<***>" }, url: "/path?pw=***" };
  expect(tasks.asks).toMatchObject({ state: "completed", output: { body } });
  const basic = Buffer.from(`app:${VALUES["db-password"]}`).toString("base64");
  expect(sent("/wrong")?.headers.authorization).toBe(`Basic ${basic}`);
  expect(tasks.basic).toMatchObject({ state: "failed", error: { reason: "http-status" } });
  expect(tasks.after?.output?.stdout).toBe("secret://TOKEN");
});

test("a secret that is not to be had fails its task, names it, and says where it was looked for", async () => {
  const tasks = await run("missing", {
    tasks: [
      { id: "gone", command: "true", env: { A: "secret://GONE" }, retries: 1, retry: { initial: "10ms" } },
      { id: "elsewhere", command: "true", env: { A: "secret://TOKEN" }, queue: "few", type: "function" },
    ],
  });
  expect(tasks.gone).toMatchObject({
    state: "failed",
    attempts: 2,
    error: {
      reason: "missing-secret",
      message: expect.stringMatching(
        /: secret 'GONE': the command .*\/get-secret get GONE has ended with exit code 4$/,
      ),
    },
  });
  expect(worker.stdout).toContain("no GONE in the vault");
  expect(tasks.elsewhere).toMatchObject({
    error: {
      reason: "missing-secret",
      message:
        "Task 'elsewhere' failed after 1 attempt: secret 'TOKEN': there is no variable JETDAG_SECRET_TOKEN; set it where the task runs; --secrets-dir and --secrets-command name more places",
    },
  });
});

test("a type that a worker may not run is refused", async () => {
  const tasks = await run("refused", { tasks: [{ id: "a", command: "true", queue: "few", retries: 3 }] });
  expect(tasks.a).toMatchObject({
    state: "failed",
    attempts: 1,
    error: {
      reason: "refused",
      message:
        "Task 'a' failed after 1 attempt: tasks of type 'bash' are not allowed on this worker, see --allow; allowed: http, function",
    },
  });
});

test("a run in this process has them too", async () => {
  const file = await folder.write(
    "here.json",
    JSON.stringify({
      name: "here",
      tasks: [{ id: "a", command: 'printf "$A" | sha256sum; echo "$A"', env: { A: "secret://TOKEN" } }],
    }),
  );
  const { stdout } = await dag(["run", file, "--json"], { JETDAG_SECRET_TOKEN: VALUES.TOKEN });
  const { tasks } = JSON.parse(stdout) as { tasks: Record<string, Task> };
  expect(tasks.a?.output?.stdout).toBe(`${sha(VALUES.TOKEN)}  -\n***`);
  const refused = await dag(["run", file, "--allow", "http", "--json"]);
  expect(refused.stdout).toContain("see --allow; allowed: http");
});

test("the plan names those of bindings and of inputs, too", async () => {
  const bindings = {
    a: { source: "config", value: "$FROM_BINDING" },
    b: { source: "runtime", default: "secret://B" },
  };
  const definition = {
    name: "bound",
    inputs: { c: { default: { deep: "secret://C" } } },
    tasks: [{ id: "a", command: "true", bindings }],
  };
  const file = await folder.write("bound.json", JSON.stringify(definition));
  expect((await dag(["run", file, "--dry-run"])).stdout).toContain("\nSecrets: B, C, FROM_BINDING\n");
});

test("the example of the documentation does what it says", async () => {
  const example = new URL("../../examples/task-types/secrets.yaml", import.meta.url).pathname;
  const env = { JETDAG_SECRET_API_TOKEN: VALUES.TOKEN, JETDAG_SECRET_DB_PASSWORD: "opensesame" };
  expect((await dag(["run", example, "--dry-run"])).stdout).toContain("\nSecrets: API_TOKEN, DB_PASSWORD\n");
  const { stdout, code } = await dag(["run", example, "--json"], env);
  const { tasks } = JSON.parse(stdout) as { tasks: Record<string, Task> };
  expect(tasks.fetch?.output?.stdout).toMatch(/^a token of \d+ characters, shown as \*\*\*$/);
  expect(tasks.load?.output?.stdout).toBe("loading into postgres://app:***@db:5432/orders");
  expect(code).toBe(0);
});

test("settings that cannot be meant are refused when the worker starts", async () => {
  await using program = new Program("worker", ["--secrets-dir", "/no/such/folder"]);
  expect(await program.finished).toMatchObject({
    code: 2,
    stderr: "worker: --secrets-dir: there is no folder /no/such/folder\n",
  });
  const { stderr } = await new Program("worker", ["--allow", "pyhton"]).finished;
  expect(stderr).toContain("did you mean 'python'?");
});

/** The last one: it looks at all that the others have left behind, and ends the server. */
test("not a byte of one went over the wire, into the store, into a log or onto a screen", async () => {
  for (const id of ["all", "missing"]) {
    for (const args of [
      ["status", id, "--json"],
      ["status", id],
      ["explain", id],
      ["explain", id, "--json"],
      ["explain", id, "script"],
      ["logs", id],
      ["logs", id, "--json"],
    ]) {
      const { stdout, stderr } = await on(...args);
      expectNoSecret(args.join(" "), stdout + stderr);
    }
  }
  for (const text of ["log Bearer ***", "late Bearer ***"]) {
    await until(() => worker.stdout.includes(text));
  }
  for (const [name, program] of Object.entries({ executor, worker, other })) {
    expectNoSecret(`what ${name} prints`, program.stdout + program.stderr);
  }
  const all = Buffer.concat(wire);
  // What was looked through is what it seems to be.
  for (const text of ["secret://TOKEN", "secret://db-password", "print Bearer ***", "shouted"])
    expect(all.includes(text)).toBe(true);
  expectNoSecret("what was sent", all);
  await server.stop();
  const files = await filesBelow(server.folder);
  const stored = await Promise.all(files.map((file) => readFile(file)));
  expect(Buffer.concat(stored).includes("secret://db-password")).toBe(true);
  for (const [i, bytes] of stored.entries()) expectNoSecret(files[i] ?? "", bytes);
});
