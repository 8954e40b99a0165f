/** References to secrets in DAG files. */
import { expect, test } from "vitest";
import { parseDag } from "../../internal/spec/parse.ts";

function problemsOf(text: string): string[] {
  try {
    parseDag(text, { file: "x.yaml", types: ["sensor"] });
  } catch (error) {
    return (error as Error).message.split("\n");
  }
  return [];
}

test("a reference that can name no secret is told where it stands", () => {
  const rule = "use A-Z a-z 0-9 _ . - and begin and end with none of . and -";
  const text = `
name: x
params: { url: "https://secret://{a b}/", fine: "secret://{}x secret://A" }
defaults: { env: { A: "secret://{-}" } }
tasks:
  - id: a
    command: echo "secret://{not looked up}"
    env: { B: "secret://{b }", C: 1, FINE: "secret://{C}d" }
    params: { list: [fine, "secret://{c/d}"] }
  - id: b
    type: http
    with: { url: secret://HOOK, json: { a: "secret://{ü}" }, method: FOO }
  - id: c
    type: sensor
    with: { file: "secret://{e.}" }
`;
  const bad = (name: string): string => `'${name}' in secret://{${name}} is no name of a secret: ${rule}`;
  expect(problemsOf(text)).toEqual([
    `x.yaml:3:16: url: ${bad("a b")}`,
    `x.yaml:4:23: A: ${bad("-")}`,
    `x.yaml:8:15: B: ${bad("b ")}`,
    `x.yaml:9:28: list[1]: ${bad("c/d")}`,
    `x.yaml:12:44: a: ${bad("ü")}`,
    "x.yaml:12:70: method: 'FOO' is not one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
    `x.yaml:15:19: file: ${bad("e.")}`,
  ]);
});
