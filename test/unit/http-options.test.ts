/** `with` of http tasks in definitions: what is read, and what is refused with its place. */
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import { parseDag } from "../../internal/spec/parse.ts";
import { DefinitionError } from "../../internal/spec/problems.ts";
import { readWritten, writeDefinition } from "../../internal/spec/write.ts";

/** A DAG of one task; `fields` in YAML's flow form. */
function dagOf(fields: string): ReturnType<typeof parseDag> {
  return parseDag(`name: x\ntasks: [{ id: a, type: http, ${fields} }]`, { file: "x.yaml" });
}

function optionsOf(fields: string): JsonObject | undefined {
  return dagOf(fields).tasks[0]?.options;
}

function problemsOf(fields: string): string[] {
  try {
    dagOf(fields);
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

test("all of them, with times in seconds and values as text; written and read they are the same", () => {
  const dag = dagOf(`with: {
    method: PUT, url: "https://api.example.com/x", headers: { X-One: 1, x-two: [a, 2, true] },
    query: { page: 2, tag: [a, b] }, json: { a: [1, null] }, auth: { basic: { username: me, password: "secret://PW" } },
    expect_status: [200, 2xx, 400-404], retry_status: ["429"], max_redirects: 0,
    connect_timeout: 500ms, headers_timeout: 1m, body_timeout: 2.5, response_headers: [ETag, "*"] }`);
  expect(dag.tasks[0]).toMatchObject({ type: "http", command: "" });
  expect(dag.tasks[0]?.options).toEqual({
    method: "PUT",
    url: "https://api.example.com/x",
    headers: { "X-One": "1", "x-two": ["a", "2", "true"] },
    query: { page: "2", tag: ["a", "b"] },
    json: { a: [1, null] },
    auth: { basic: { username: "me", password: "secret://PW" } },
    expect_status: [200, "2xx", "400-404"],
    retry_status: ["429"],
    max_redirects: 0,
    connect_timeout: 0.5,
    headers_timeout: 60,
    body_timeout: 2.5,
    response_headers: ["ETag", "*"],
  });
  expect(readWritten(writeDefinition(dag))).toEqual(dag);
});

test.each([
  ["with a command", 'command: GET http://a.b, with: { text: "" }', { text: "" }],
  ["a form", "with: { url: http://a.b, form: { a: 1 } }", { url: "http://a.b", form: { a: "1" } }],
  ["nothing as JSON", "with: { url: http://a.b, json: null }", { url: "http://a.b", json: null }],
  ["a URL that is a secret", "with: { url: secret://HOOK }", { url: "secret://HOOK" }],
  ["a URL that is filled in later", 'with: { url: "${base}/x" }', { url: "${base}/x" }],
])("%s", (_name, fields, options) => {
  expect(optionsOf(fields)).toEqual(options);
});

const STATUS = "a status such as 404, a range such as 200-299, or a class such as 2xx";
const FLAT = "must not hold line breaks, control characters, or characters that Latin-1 does not have";

describe("what is refused", () => {
  test.each([
    [
      "retries: 1",
      "command: command: is missing; a task of type http needs a command: METHOD URL [BODY], or a url in `with`",
    ],
    [
      "with: { json: {} }",
      "command: command: is missing; a task of type http needs a command: METHOD URL [BODY], or a url in `with`",
    ],
    ["with: { method: PUT }", "with.url: url: is missing beside `method`, and the command is left out"],
    [
      "command: GET http://a.b, with: { url: http://a.b }",
      "command: command: names the request, and so does `with`: leave out the command, or `url`",
    ],
    [
      "command: GET http://a.b, with: { method: PUT, url: http://a.b }",
      "command: command: names the request, and so does `with`: leave out the command, or `method` and `url`",
    ],
    [
      "command: POST http://a.b x, with: { form: {} }",
      "command: command: has a body, and so has `with`: leave out that of the command, or `form`",
    ],
    ["with: { url: nowhere }", "with.url: url: is no URL; write it like https://example.com/path"],
    [
      "command: POST secret://HOOK x",
      "command: command: secret:// is not looked up in a command; put what names a secret into with, env or params",
    ],
    ["with: { url: ftp://x }", "with.url: url: is neither http: nor https:"],
    [
      "with: { url: http://a.b, method: FETCH }",
      "with.method: method: 'FETCH' is not one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
    ],
    [
      "with: { url: http://a.b, body: x }",
      "with.body: unknown field 'body'. Allowed here: method, url, headers, query, json, text, form, auth, expect_status, retry_status, max_redirects, connect_timeout, headers_timeout, body_timeout, response_headers",
    ],
    ["with: { url: http://a.b, json: 1, text: x }", "with.text: text: there is a body already, as json"],
    ["with: { url: http://a.b, auth: {} }", "with.auth: auth: must have one of basic and bearer"],
    [
      "with: { url: http://a.b, auth: { bearer: a, basic: { username: a, password: b } } }",
      "with.auth: auth: must have one of basic and bearer",
    ],
    [
      "with: { url: http://a.b, auth: { basic: { username: a } } }",
      "with.auth.basic.password: password: is missing; it must be text",
    ],
    [
      "with: { url: http://a.b, auth: { token: a } }",
      "with.auth: auth: must have one of basic and bearer",
      "with.auth.token: unknown field 'token'. Allowed here: basic, bearer",
    ],
    [
      "with: { url: http://a.b, auth: { bearer: a }, headers: { AUTHORIZATION: b } }",
      "with.auth: auth: there is an Authorization already, in headers: leave out one of them",
    ],
    [
      "with: { url: http://a.b, headers: { A b: c } }",
      "with.headers.A b: A b: 'A b' cannot be the name of a header",
    ],
    [
      "with: { url: http://a.b, headers: { Transfer-Encoding: chunked } }",
      "with.headers.Transfer-Encoding: Transfer-Encoding: is made with the request, and cannot be given",
    ],
    [
      "with: { url: http://a.b, headers: { a: 1, A: 2 } }",
      "with.headers.A: A: is there twice; give it a list",
    ],
    ['with: { url: http://a.b, headers: { a: "x\\r\\ny: z" } }', `with.headers.a: a: ${FLAT}`],
    ["with: { url: http://a.b, headers: { a: [b, ☃] } }", `with.headers.a: a: ${FLAT}`],
    [
      "with: { url: http://a.b, query: { a: { b: c } } }",
      'with.query.a: a: must be text, a number, true, false, an expression, or a list of them, not {"b":"c"}',
    ],
    [
      "with: { url: http://a.b, expect_status: 200 }",
      `with.expect_status: expect_status: must be a list, each ${STATUS}, not 200`,
    ],
    [
      "with: { url: http://a.b, expect_status: [6xx] }",
      `with.expect_status[0]: expect_status[0]: must be ${STATUS}, not '6xx'`,
    ],
    [
      "with: { url: http://a.b, retry_status: [299-200] }",
      `with.retry_status[0]: retry_status[0]: must be ${STATUS}, not '299-200'`,
    ],
    [
      "with: { url: http://a.b, retry_status: [99] }",
      `with.retry_status[0]: retry_status[0]: must be ${STATUS}, not 99`,
    ],
    [
      "with: { url: http://a.b, max_redirects: 21 }",
      "with.max_redirects: max_redirects: must be a whole number from 0 to 20, not 21",
    ],
    [
      "with: { url: http://a.b, connect_timeout: 0 }",
      "with.connect_timeout: connect_timeout: must be longer than 0; write it like 500ms, 30s, 5m, 1h30m, or as a number of seconds",
    ],
    [
      "with: { url: http://a.b, response_headers: [a b] }",
      "with.response_headers[0]: response_headers[0]: must be the name of a header, or * for all of them, not 'a b'",
    ],
    [
      "with: { url: http://a.b, expect_status: [] }",
      `with.expect_status: expect_status: must be a list, each ${STATUS}, not []`,
    ],
  ])("%s", (fields, ...problems) => {
    expect(problemsOf(fields)).toEqual(problems.map((each) => `tasks[0].${each}`));
  });

  test("all of it at once", () => {
    const fields =
      "with: { method: FOO, url: nowhere, json: 1, text: x, max_redirects: x, auth: { bearer: a }, headers: { authorization: b } }";
    expect(problemsOf(fields)).toEqual([
      "tasks[0].with.method: method: 'FOO' is not one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
      "tasks[0].with.url: url: is no URL; write it like https://example.com/path",
      "tasks[0].with.text: text: there is a body already, as json",
      "tasks[0].with.max_redirects: max_redirects: must be a whole number from 0 to 20, not 'x'",
      "tasks[0].with.auth: auth: there is an Authorization already, in headers: leave out one of them",
    ]);
    expect(problemsOf("with: { method: FOO, url: secret://HOOK }")).toHaveLength(1);
    expect(problemsOf('with: { method: FOO, url: "${base}/x" }')).toHaveLength(1);
  });

  test("and nothing that follows from another", () => {
    expect(problemsOf("with: { method: PUT, url: 5 }")).toEqual([
      "tasks[0].with.url: url: must be text that is not empty, or an expression, not 5",
    ]);
    expect(problemsOf("with: { url: http://a.b, json: { a: .nan } }")).toEqual([
      expect.stringContaining("tasks[0].with.json.a: a: must be text, a number"),
    ]);
  });
});
