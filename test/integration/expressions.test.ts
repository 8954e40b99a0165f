/** Expressions in the places of values, on a real cluster: from an upstream function and the run's input to what runs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ArtifactCluster, linesOf } from "../support/artifact-cluster.ts";
import { TASK_IMAGE } from "../support/docker.ts";
import { TestHttp } from "../support/http-servers.ts";
import { until } from "../support/until.ts";

let cluster: ArtifactCluster;
let server: TestHttp;
beforeAll(async () => {
  server = await TestHttp.http((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => void parts.push(part));
    request.on("end", () => {
      const { method, url, headers } = request;
      const body: unknown = JSON.parse(Buffer.concat(parts).toString() || "null");
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ method, url, title: headers["x-title"], auth: headers["x-auth"], body }));
    });
  });
  cluster = await ArtifactCluster.start();
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const of = (expression: string): { expression: string } => ({ expression });
const on_a = { queue: "a" };
const on_b = { queue: "b" };
const find = { id: "find", type: "function", command: "movies", ...on_a };
const inputs = { base: {}, year: { default: 2026 }, says: { default: "secret://{}TOKEN {input.year}" } };

test("a request, a function and a script have what an upstream function and the input of the run say", async () => {
  const result = await cluster.run(
    [
      find,
      {
        id: "send",
        type: "http",
        ...on_b,
        fan_mode: "aggregate",
        depends_on: ["find"],
        params: { token: "secret://TOKEN" },
        with: {
          method: "PUT",
          url: of("{input.base}/movies/{find.n | last}"),
          headers: { "x-title": of("{find.title | first | upper}"), "x-auth": of("Bearer {config.token}") },
          query: { year: of("{input.year}"), none: of("{input.none}") },
          json: {
            titles: of("{find.title}"),
            deep: [{ count: of("{find.count}") }],
            says: of("{input.says}"),
          },
        },
      },
      {
        id: "each",
        type: "function",
        command: "echo",
        ...on_a,
        fan_mode: "single",
        depends_on: ["find"],
        params: {
          deep: [{ title: of("{find.title | title}"), n: of("{find.n}") }],
          says: of("{input.says}"),
        },
      },
      {
        id: "script",
        ...on_b,
        depends_on: ["send"],
        command: 'echo "$JETDAG_PARAM_url; $JETDAG_PARAM_status"',
        params: { url: of('{send.body | json_get(url) | append(; $(id) ")}'), status: of("{send.status}") },
      },
    ],
    { inputs, params: { base: server.url } },
  );
  expect(result.tasks.send).toMatchObject({ state: "completed" });
  expect(result.tasks.send?.output?.body).toEqual({
    method: "PUT",
    url: "/movies/2?year=2026",
    title: "MOVIE 0",
    auth: "Bearer ***",
    body: {
      titles: ["movie 0", "movie 1", "movie 2"],
      deep: [{ count: 3 }],
      says: "secret://TOKEN {input.year}",
    },
  });
  expect(result.tasks.script?.output?.stdout).toBe('/movies/2?year=2026; $(id) "; 200');
  expect(result.tasks.each).toMatchObject({ state: "completed" });
});

test("a function has them at any depth", async () => {
  const result = await cluster.run(
    [
      find,
      {
        id: "all",
        type: "function",
        command: "echo",
        ...on_b,
        fan_mode: "aggregate",
        depends_on: ["find"],
        params: { deep: [{ titles: of("{find.title}"), none: of("{find.none}"), year: of("{input.year}") }] },
      },
    ],
    { inputs },
  );
  expect(result.tasks.all?.output?.deep).toEqual([
    { titles: ["movie 0", "movie 1", "movie 2"], none: null, year: 2026 },
  ]);
});

test("what is required and not there fails its task for good, and says where it stands", async () => {
  const result = await cluster.run([
    find,
    {
      id: "send",
      type: "http",
      ...on_b,
      depends_on: ["find"],
      retries: 3,
      with: { url: of("http://h/{find.nothing | required}") },
    },
  ]);
  expect(result.tasks.send).toMatchObject({
    state: "failed",
    attempts: 1,
    error: {
      reason: "bad-input",
      message: expect.stringContaining(
        "with.url: expression, at character 26: a value is required, and there is none",
      ) as string,
    },
  });
});

describe.runIf(TASK_IMAGE !== undefined)("a container", () => {
  beforeAll(async () => {
    await cluster.worker("c", "docker", "--docker", "--docker-image", TASK_IMAGE ?? "");
    await until(async () => (await cluster.ask("workers")).stdout.match(/live/g)?.length === 3);
  });

  test("has them as variables and in the file of params", async () => {
    const result = await cluster.run(
      [
        find,
        {
          id: "print",
          type: "docker",
          fan_mode: "aggregate",
          depends_on: ["find"],
          command: 'echo "$JETDAG_PARAM_last $JETDAG_PARAM_year"; cat "$JETDAG_PARAMS_FILE"',
          params: {
            last: of("{find.title | last}; $(id)"),
            deep: { n: of("{find.n}") },
            year: of("{input.year}"),
          },
        },
      ],
      { inputs },
    );
    const [line, ...file] = linesOf(result, "print", "stdout");
    expect(line).toBe("movie 2; $(id) 2026");
    expect(JSON.parse(file.join("\n"))).toMatchObject({ deep: { n: [0, 1, 2] }, last: "movie 2; $(id)" });
  });
});
