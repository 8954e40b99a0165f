/** What tasks run, as programs write it. */
import type { JsonValue } from "../../internal/core/json.ts";
import { BadInput } from "../../internal/executor/executor.ts";

/** What a task runs: that of `bash`, `http` or `fn`; `{ type, command }` for a type of your own. */
export interface Work {
  readonly type: string;
  readonly command?: string;
}

/** A script for `bash -c`. */
export function bash(command: string): Work {
  return { type: "bash", command };
}

/** A request, written as in a file: `METHOD URL [BODY]`. */
export function http(command: string): Work;
/**
 * A request. A body that is no text is written as JSON; blanks at its beginning are not sent. Throws `BadInput` when
 * the method or the URL has a blank in it, where the next part would begin.
 */
export function http(method: string, url: string | URL, body?: JsonValue): Work;
export function http(methodOrCommand: string, url?: string | URL, body?: JsonValue): Work {
  if (url === undefined) return { type: "http", command: methodOrCommand };
  const parts = [methodOrCommand, String(url)];
  const broken = parts.find((part) => /\s/.test(part));
  if (broken !== undefined) throw new BadInput(`http: '${broken}' has a blank in it; in a URL, write %20`);
  if (body !== undefined) parts.push(typeof body === "string" ? body : JSON.stringify(body));
  return { type: "http", command: parts.join(" ") };
}

/** A function, by the name under which it is registered or exported. Throws `BadInput` when the name is empty. */
export function fn(name: string): Work {
  if (name === "") throw new BadInput("fn: the name of the function is empty");
  return { type: "function", command: name };
}
