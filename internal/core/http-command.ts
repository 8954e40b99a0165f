/**
 * What tasks of type `http` run: one request. It stands in their command, `METHOD URL [BODY]`, or in `with` as
 * `method` and `url`, where a URL can be a secret; never in both.
 */
import { BODIES, type HttpTaskOptions } from "./http-options.ts";
import { madeOrProblem, type ReadTask, type TaskProblem } from "./task-problem.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
export type HttpMethod = (typeof METHODS)[number];

interface HttpCommand {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly body?: string;
}

export const REQUEST_LINE = "METHOD URL [BODY]";

/** What of the options says which request it is. */
type Asked = Pick<HttpTaskOptions, "method" | "url"> &
  Pick<HttpTaskOptions<unknown>, (typeof BODIES)[number]>;

/** The request of a task; a line that says what is wrong with it otherwise. */
export function httpCommand(command: string, options: HttpTaskOptions): HttpCommand | string {
  return madeOrProblem(readHttp(command, options));
}

/** What is wrong with the request of a task. */
export function problemsOfHttp(command: string, options: Asked): readonly TaskProblem[] {
  const read = readHttp(command, options);
  return "problems" in read ? read.problems : [];
}

function readHttp(command: string, options: Asked): ReadTask<HttpCommand> {
  const { method, url } = options;
  const body = BODIES.find((each) => options[each] !== undefined);
  const wrong = (message: string): ReadTask<HttpCommand> => ({ problems: [{ message }] });
  if (method === undefined && url === undefined) {
    const parsed = parseHttpCommand(command);
    if (typeof parsed === "string") return wrong(parsed);
    if (parsed.body === undefined || body === undefined) return { made: parsed };
    return wrong(`has a body, and so has \`with\`: leave out that of the command, or \`${body}\``);
  }
  if (command.trim() !== "") {
    const twice = method === undefined ? "`url`" : url === undefined ? "`method`" : "`method` and `url`";
    return wrong(`names the request, and so does \`with\`: leave out the command, or ${twice}`);
  }
  const meant = readMethod(method ?? (body === undefined ? "GET" : "POST"));
  const to = readOptionalUrl(url);
  if (typeof meant === "object" && to instanceof URL) return { made: { method: meant.method, url: to } };
  return {
    problems: [
      ...(typeof meant === "string" ? [{ option: "method", message: meant }] : []),
      ...(typeof to === "string" ? [{ option: "url", message: to }] : []),
    ],
  };
}

/** It may be a secret: what is wrong with it is told without it. */
function readOptionalUrl(url: string | undefined): URL | string {
  if (url === undefined) return "is missing beside `method`, and the command is left out";
  if (url === "") return "is empty; write it like https://example.com/path";
  if (!URL.canParse(url)) return "is no URL; write it like https://example.com/path";
  const to = new URL(url);
  return isOfHttp(to) ? to : "is neither http: nor https:";
}

/** Reads `METHOD URL [BODY]`, split at the first two blanks. */
function parseHttpCommand(command: string): HttpCommand | string {
  const hint = `; write ${REQUEST_LINE}`;
  const [, method = "", address = "", body] = /^\s*(\S+)\s*(\S*)(?:\s+([\s\S]*))?$/.exec(command) ?? [];
  const line = requestLine(method, address, hint);
  const hasBody = body !== undefined && body.trim() !== "";
  return typeof line === "string" || !hasBody ? line : { ...line, body };
}

function requestLine(name: string, address: string, hint: string): HttpCommand | string {
  const read = readMethod(name);
  if (typeof read === "string") return `method ${read}${hint}`;
  if (address === "") return `the URL is missing${hint}`;
  if (!URL.canParse(address)) return `'${withoutUserInfo(address)}' is no URL${hint}`;
  const url = new URL(address);
  return isOfHttp(url) ? { method: read.method, url } : `'${url.protocol}' is not http: or https:`;
}

function readMethod(name: string): { readonly method: HttpMethod } | string {
  const method = METHODS.find((known) => known === name.toUpperCase());
  return method === undefined ? `'${name}' is not one of ${METHODS.join(", ")}` : { method };
}

function isOfHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** Even what is no URL may have a password in it. */
function withoutUserInfo(address: string): string {
  return address.replace(/\/\/[^/]*@/, "//…@").replace(/\?.*$/s, "?…");
}
