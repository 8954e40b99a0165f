/** What tasks run, as programs write it. */
import type { JsonObject, JsonValue } from "../../internal/core/json.ts";
import { BadInput } from "../../internal/executor/executor.ts";
import { typeFields } from "../../internal/spec/options.ts";
import type { ContainerOptions } from "./container-options.ts";
import type { HttpRequest } from "./http-request.ts";

/** What a task runs: that of `bash`, `http`, `docker` or `fn`; `{ type, command }` for a type of your own. */
export interface Work {
  readonly type: string;
  readonly command?: string;
  /** What only tasks of this type have, named as in a file. */
  readonly with?: JsonObject;
}

/** A script for `bash -c`. */
export function bash(command: string): Work {
  return { type: "bash", command };
}

/** A request, written as in a file: `METHOD URL [BODY]`. */
export function http(command: string): Work;
/** A request in full. Throws `BadInput` when a field has another name. */
export function http(request: HttpRequest): Work;
/**
 * A request. A body that is no text is written as JSON; blanks at its beginning are not sent. Throws `BadInput` when
 * the method or the URL has a blank in it, where the next part would begin.
 */
export function http(method: string, url: string | URL, body?: JsonValue): Work;
export function http(what: string | HttpRequest, url?: string | URL, body?: JsonValue): Work {
  if (typeof what === "object") return { type: "http", with: fieldsOf("http", what) };
  if (url === undefined) return { type: "http", command: what };
  const parts = [what, String(url)];
  const broken = parts.find((part) => /\s/.test(part));
  if (broken !== undefined) throw new BadInput(`http: '${broken}' has a blank in it; in a URL, write %20`);
  if (body !== undefined) parts.push(typeof body === "string" ? body : JSON.stringify(body));
  return { type: "http", command: parts.join(" ") };
}

/** A command for `sh -c` in a container; an empty one leaves it to the image. Throws `BadInput` when an option has another name. */
export function docker(command: string, container: ContainerOptions = {}): Work {
  const options = fieldsOf("docker", container);
  return {
    type: "docker",
    ...(command === "" ? {} : { command }),
    ...(Object.keys(options).length === 0 ? {} : { with: options }),
  };
}

/** What is wrong with the values is told with the task. */
function fieldsOf(type: string, options: object): JsonObject {
  const { fields, problems } = typeFields(type, options);
  const [first] = problems;
  if (first !== undefined) throw new BadInput(`${type}: ${first.message}`);
  const given = Object.entries(fields).map(([name, value]) => [
    name,
    value instanceof URL ? value.href : value,
  ]);
  return Object.fromEntries(given) as JsonObject;
}

/** A function, by the name under which it is registered or exported. Throws `BadInput` when the name is empty. */
export function fn(name: string): Work {
  if (name === "") throw new BadInput("fn: the name of the function is empty");
  return { type: "function", command: name };
}
