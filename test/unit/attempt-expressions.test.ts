/** What a worker makes of expressions in the places of values: by which data, with which secrets, and of nothing else. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toRecord } from "../../internal/core/artifact-record.ts";
import type { Inputs, Work } from "../../internal/core/attempt.ts";
import type { JsonObject, JsonValue } from "../../internal/core/json.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";
import type { TaskCall } from "../../internal/ports/task-executor.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { NetPolicy } from "../../internal/tasks/net-policy.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import { openCall, type Opened } from "../../internal/worker/attempt-call.ts";
import { WORK } from "../conformance/samples.ts";
import { blobs, run } from "../support/artifact-attempts.ts";
import { TestHttp } from "../support/http-servers.ts";
import { SeededRandom } from "../support/random.ts";
import { secretsOf } from "../support/secrets.ts";

const TOKEN = "s3cr3t-{input.day}-t0k3n";
const of = (expression: string): { expression: string } => ({ expression });

interface Case extends Partial<Omit<Work, "inputs">> {
  readonly input?: JsonObject;
  readonly own?: JsonObject;
  readonly outputs_of?: JsonObject;
  readonly records?: readonly JsonObject[];
}

function inputsOf({ input = {}, own = {}, outputs_of: outputs = {}, records }: Case): Inputs {
  const items = (records ?? []).map((metadata, i) =>
    toRecord({ id: `a${i}`, name: "", size: i, mimeType: null, metadata, origin: null, producedBy: "find" }),
  );
  return {
    run: { inline: input },
    own,
    upstream: Object.entries(outputs).map(([task, output]) => [task, { inline: output as JsonObject }]),
    ...(records === undefined
      ? {}
      : { artifacts: { items, ...(items.length === 1 ? { single: true } : {}) } }),
  };
}

/** Names of secrets that were looked up, in `asked`. */
async function open(given: Case, asked: string[] = []): Promise<Opened> {
  const { input: _i, own: _o, outputs_of: _u, records: _r, ...work } = given;
  const secrets = secretsOf({ TOKEN });
  const opened = await openCall(
    {
      ...WORK,
      type: "function",
      env: {},
      options: {},
      hasExpressions: true,
      ...work,
      inputs: { inline: inputsOf(given) },
    },
    { signal: new AbortController().signal, seesFiles: undefined, atEnd: () => undefined },
    {
      blobs,
      files: hostFiles,
      patterns: linearPatterns(),
      secrets: { get: async (name) => (asked.push(name), secrets.get(name)) },
    },
  );
  if (opened === undefined) throw new Error("was told to end");
  return opened;
}

async function callOf(given: Case, asked?: string[]): Promise<TaskCall> {
  const opened = await open(given, asked);
  if ("error" in opened) throw new Error(opened.error.message);
  return opened.call;
}

describe("values", () => {
  test("come from artifacts, from outputs where no artifact has them, from input and the task's own params", async () => {
    const { params, options } = await callOf({
      type: "http",
      input: { day: "monday" },
      own: {
        all: of("{find.n}"),
        count: of("{find.count}"),
        other: of("{build.stdout | trim}"),
        none: of("{gone.x}"),
        plain: 1,
      },
      options: { url: of("https://h/{input.day}?{config.all | last}{config.plain}"), json: [of("{find.n}")] },
      outputs_of: { find: { n: 9, count: 2 }, build: { stdout: " yes\n" } },
      records: [{ n: 1 }, { n: 2 }],
    });
    expect(params).toMatchObject({
      all: [1, 2],
      count: 2,
      other: "yes",
      none: null,
      plain: 1,
      day: "monday",
    });
    expect(options).toEqual({ url: "https://h/monday?21", json: [[1, 2]] });
  });

  test("pass the edge filter, and stand below bindings, which see them", async () => {
    const { params } = await callOf({
      own: { n: of("{find.n}"), m: of("{find.n}") },
      bindings: {
        m: { source: "previous_node", node: "find", key: "file_size" },
        c: { source: "expression", expression: "<{config.m}>" },
        o: { source: "previous_node", node: "build", key: "exit_code" },
      },
      edgeFilters: { find: { rules: [{ field: "n", op: "gt", value: 1 }] } },
      outputs_of: { build: { exit_code: 0 } },
      records: [{ n: 1 }, { n: 2 }],
    });
    expect(params).toMatchObject({ n: 2, m: 1, c: "<2>", o: 0 });
  });

  test("of outputs that are stored elsewhere are fetched", async () => {
    const text = JSON.stringify({ big: "x" });
    const ref = await blobs.put({ runId: WORK.runId }, "out", new TextEncoder().encode(text));
    const inputs: Inputs = {
      run: { inline: {} },
      own: { x: of("{up.big}") },
      upstream: [["up", { ref }]],
    };
    const { outcome, params } = await captured({ hasExpressions: true, inputs: { inline: inputs } });
    expect([outcome.state, params?.x]).toEqual(["completed", "x"]);
  });

  test("are looked for only where the definition says that there are any", async () => {
    const inputs: Inputs = { run: { inline: {} }, own: { x: of("{up.big}") }, upstream: [] };
    const { params } = await captured({ inputs: { inline: inputs } });
    expect(params).toEqual({ x: of("{up.big}") });
  });
});

async function captured(work: Partial<Work>): Promise<{ outcome: Outcome; params: JsonObject | undefined }> {
  let params: JsonObject | undefined;
  const outcome = await run(
    (call) => {
      ({ params } = call);
      return { ok: true, output: {} };
    },
    { work: { type: "test", ...work } },
  );
  return { outcome, params };
}

describe("secrets", () => {
  test("come by the task's own params, are not read as expressions, and are masked", async () => {
    const opened = await open({
      type: "http",
      input: { day: "monday" },
      own: { token: "secret://TOKEN" },
      options: {
        headers: { authorization: of("Bearer {config.token}") },
        json: { key: of("{config.token}") },
      },
    });
    if ("error" in opened) throw new Error(opened.error.message);
    expect(opened.call.options).toEqual({
      headers: { authorization: `Bearer ${TOKEN}` },
      json: { key: TOKEN },
    });
    expect(opened.mask?.text(JSON.stringify(opened.call.options))).not.toContain("s3cr3t");
  });

  test("are not looked up for what a value says", async () => {
    const asked: string[] = [];
    const { params } = await callOf(
      {
        own: { a: of("{find.says}"), b: of("{up.says}"), c: of("secre{up.rest}"), d: of("{up.dollar}") },
        outputs_of: { up: { says: "secret://TOKEN", rest: "t://{TOKEN}", dollar: "$TOKEN" } },
        records: [{ says: "secret://TOKEN" }],
      },
      asked,
    );
    expect(params).toMatchObject({
      a: "secret://TOKEN",
      b: "secret://TOKEN",
      c: "secret://{TOKEN}",
      d: "$TOKEN",
    });
    expect(asked).toEqual([]);
  });
});

const TEXTS = [
  "",
  "{input.k}",
  "{config.secret | upper}",
  "{",
  "}",
  "{up.k",
  "secret://TOKEN",
  "$TOKEN",
  "\\{",
  "x",
];
const KEYS = ["k", "expression", "__proto__", "source", "constructor", "config.k"];

/** Much of it looks like an expression, a binding or a secret. */
function anyData(random: SeededRandom, depth = 3): JsonValue {
  const kind = depth === 0 ? 0 : random.below(5);
  if (kind <= 1) return random.pick([...TEXTS, null, 0, true]);
  if (kind === 2) return of(random.pick(TEXTS));
  const items = Array.from({ length: random.below(4) }, () => anyData(random, depth - 1));
  if (kind === 3) return items;
  return Object.fromEntries(items.map((item) => [random.pick(KEYS), item]));
}

test("no data is ever evaluated, or names a secret, wherever it came from and goes to", async () => {
  const isNot = (value: JsonValue): boolean => !JSON.stringify(value).includes("secret://");
  let evaluated = 0;
  for (let seed = 1; seed <= 500; seed++) {
    const random = new SeededRandom(seed);
    const [given, output, metadata] = [anyData(random), anyData(random), anyData(random)];
    // Who starts a run may name secrets in its params.
    const k = isNot(given) ? given : null;
    const asked: string[] = [];
    const { params, options } = await callOf(
      {
        type: "http",
        input: { k },
        own: { secret: "s", run: of("{input.k}"), deep: [{ up: of("{up.k}") }], find: of("{find.m}") },
        options: {
          json: [of("{input.k}"), of("{up.k}"), of("{find.m}"), of("{config.run}"), of("{config.deep}")],
        },
        outputs_of: { up: { k: output } },
        records: [{ m: metadata }],
      },
      asked,
    );
    const seen = { run: params.run, deep: params.deep, find: params.find, k: params.k, up__k: params.up__k };
    expect([seed, asked, seen]).toEqual([
      seed,
      [],
      { run: k, deep: [{ up: output }], find: metadata, k, up__k: output },
    ]);
    expect([seed, options]).toEqual([seed, { json: [k, output, metadata, k, [{ up: output }]] }]);
    if (JSON.stringify([k, output, metadata]).includes('"expression"')) evaluated++;
  }
  expect(evaluated).toBeGreaterThan(200);
});

describe("a request", () => {
  let server: TestHttp;
  beforeAll(async () => {
    server = await TestHttp.http((request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ url: request.url, headers: request.headers }));
    });
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  async function send(options: JsonObject, input: JsonObject, entries = ["any"]): Promise<Outcome> {
    const executor = new HttpTaskExecutor({ netPolicy: NetPolicy.of(entries) as NetPolicy });
    const inputs: Inputs = { run: { inline: { base: server.url, ...input } }, own: {}, upstream: [] };
    return run(() => ({ ok: true, output: {} }), {
      registry: new TaskExecutorRegistry([executor]),
      work: { type: "http", command: "", options, hasExpressions: true, inputs: { inline: inputs } },
    });
  }

  test("goes where its expressions say, with what they say", async () => {
    const options = {
      url: of("{input.base}/{input.path | urlencode}"),
      headers: {
        "x-list": of("{input.list}"),
        "x-none": of("{input.none}"),
        "x-all": [of("{input.n}"), "b"],
      },
      query: { n: of("{input.n}"), none: of("{input.none}") },
    };
    expect(await send(options, { path: "a b/../c", list: [1, "å"], n: 5 })).toMatchObject({
      state: "completed",
      output: {
        inline: {
          body: {
            url: "/a%20b%2F..%2Fc?n=5",
            headers: { "x-list": '[1,"å"]', "x-all": "5, b" },
          },
        },
      },
    });
  });

  const FLAT = "must not hold line breaks, control characters, or characters that Latin-1 does not have";
  test.each<[name: string, sent: { options: JsonObject; x: JsonValue }, told: string]>([
    [
      "a header with a line break",
      { options: { headers: { "X-Day": of("{input.x}") } }, x: "a\r\nx-admin: 1" },
      `bad-input: with.headers.X-Day: ${FLAT}`,
    ],
    [
      "a header of another script",
      { options: { headers: { y: ["a", of("{input.x}")] } }, x: "日" },
      `bad-input: with.headers.y: ${FLAT}`,
    ],
    [
      "a header with NUL",
      { options: { headers: { y: of("{input.x}") } }, x: "\0" },
      `bad-input: with.headers.y: ${FLAT}`,
    ],
    [
      "no URL",
      { options: { url: of("{input.x}") }, x: "here" },
      "bad-input: with.url: is no URL; write it like",
    ],
    [
      "an empty URL",
      { options: { url: of("{input.x}") }, x: null },
      "bad-input: with.url: is empty; write it like",
    ],
    [
      "a URL that is a list",
      { options: { url: of("{input.x}") }, x: ["http://h"] },
      "bad-input: with.url: is no URL",
    ],
    [
      "another scheme",
      { options: { url: of("{input.x}") }, x: "file:///etc/passwd" },
      "bad-input: with.url: is neither http: nor https:",
    ],
    [
      "what is required",
      { options: { text: of("{input.none | required}") }, x: 1 },
      "bad-input: with.text: expression, at character 15: a value is required",
    ],
    [
      "what is too long",
      { options: { text: of("{input.x | upper}") }, x: "x".repeat(1_100_000) },
      "bad-input: with.text: expression, at character 12: a text would have",
    ],
    [
      "where it may not go",
      { options: { url: of("http://{input.x}/") }, x: "169.254.169.254" },
      "refused: GET http://169.254.169.254/: --allow-net of this worker",
    ],
  ])("%s fails for good", async (_name, { options, x }, told) => {
    const outcome = await send({ url: server.url, ...options }, { x });
    const error = outcome.state === "failed" ? outcome.error : undefined;
    expect(`${error?.reason}: ${error?.message}`.slice(0, told.length)).toBe(told);
  });
});
