/** What tasks of definitions that are written as a program run. */
import { describe, expect, test } from "vitest";
import { bash, dag, docker, fn, http, type HttpRequest, parseDag } from "../../cmd/library/jetdag.ts";
import { refusal } from "../support/refusals.ts";

describe("what a task runs", () => {
  test.each([
    [bash("echo"), { type: "bash", command: "echo" }],
    [http("GET https://a.b/c"), { type: "http", command: "GET https://a.b/c" }],
    [http("GET", "https://a.b/c"), { type: "http", command: "GET https://a.b/c" }],
    [
      http("POST", new URL("https://a.b/c d"), "as it is"),
      { type: "http", command: "POST https://a.b/c%20d as it is" },
    ],
    [http("PUT", "https://a.b", { x: ["y z"] }), { type: "http", command: 'PUT https://a.b {"x":["y z"]}' }],
    [
      http({
        url: new URL("https://a.b/c d"),
        json: { snake_case: 1 },
        expectStatus: ["2xx"],
        maxRedirects: 0,
      }),
      {
        type: "http",
        with: {
          url: "https://a.b/c%20d",
          json: { snake_case: 1 },
          expect_status: ["2xx"],
          max_redirects: 0,
        },
      },
    ],
    [http("PUT", "https://a.b", null), { type: "http", command: "PUT https://a.b null" }],
    [fn("load"), { type: "function", command: "load" }],
    [docker("python job.py"), { type: "docker", command: "python job.py" }],
    [
      docker("", {
        image: "team/job:1",
        memoryMb: 512,
        readOnly: true,
        tmpfs: { "/tmp": 64 },
        labels: { someTeam: "a" },
        auth: { username: "u", password: "secret://PW" },
        gpus: ["0"],
      }),
      {
        type: "docker",
        with: {
          image: "team/job:1",
          memory_mb: 512,
          read_only: true,
          tmpfs: { "/tmp": 64 },
          labels: { someTeam: "a" },
          auth: { username: "u", password: "secret://PW" },
          gpus: ["0"],
        },
      },
    ],
  ])("%j", (work, expected) => {
    expect(work).toEqual(expected);
  });

  test("what would be read as something else is refused", () => {
    expect(() => http("GET", "https://a.b/c d")).toThrow("'https://a.b/c d' has a blank in it");
    expect(() => http("GET https://a.b", "https://c.d")).toThrow("'GET https://a.b' has a blank in it");
    expect(() => fn("")).toThrow("the name of the function is empty");
    const unknown = { url: "https://a.b", expect_status: [200] } as HttpRequest;
    expect(() => http(unknown)).toThrow(
      "http: unknown field 'expect_status'; did you mean 'expectStatus'? Allowed here: method, url, ",
    );
  });

  test("an option of a container that there is not is refused, and its values are judged with the task", () => {
    expect(() => docker("x", { memory_mb: 1 } as object)).toThrow(
      "docker: unknown field 'memory_mb'; did you mean 'memoryMb'?",
    );
    expect(refusal(() => dag("x").task("a", docker("x", { memoryMb: 1 })))).toEqual([
      expect.stringMatching(/^DAG 'x', task 'a': memory_mb: must be a whole number from 6 to/) as string,
    ]);
    expect(refusal(() => dag("x").task("a", docker("")))).toHaveLength(1);
    const [task] = parseDag(
      dag("x")
        .task("a", docker("y", { cpuQuota: 50 }))
        .toYAML(),
      { file: "f" },
    ).tasks;
    expect(task).toMatchObject({ type: "docker", queue: "docker", command: "y", options: { cpu_quota: 50 } });
  });

  test("options of a type stand in one place, and are judged with the task", () => {
    const request = http({ url: "https://a.b", maxRedirects: 99 });
    expect(refusal(() => dag("x").task("a", request))).toEqual([
      "DAG 'x', task 'a': max_redirects: must be a whole number from 0 to 20, not 99",
    ]);
    const twice = { with: { max_redirects: 1 } };
    expect(refusal(() => dag("x").task("a", http({ url: "https://a.b" }), twice))).toEqual([
      "DAG 'x', task 'a': with: what the task runs has its options already; give them there",
    ]);
    const once = dag("x").task("a", http("GET https://a.b"), twice);
    expect(once.toDefinition().tasks).toMatchObject([{ command: "GET https://a.b", ...twice }]);
  });
});
