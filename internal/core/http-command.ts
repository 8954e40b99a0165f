/**
 * What tasks of type `http` run: one request. It stands in their command, `METHOD URL [BODY]`, or in `with` as
 * `method` and `url`, where a URL can be a secret; never in both.
 */
import { BODIES, type HttpTaskOptions } from "./http-options.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
export type HttpMethod = (typeof METHODS)[number];

export interface HttpCommand {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly body?: string;
}

export const REQUEST_LINE = "METHOD URL [BODY]";

/** The request of a task; the message of what is wrong with it otherwise. */
export function httpCommand(command: string, options: HttpTaskOptions): HttpCommand | string {
  const { method, url } = options;
  const body = BODIES.find((each) => options[each] !== undefined);
  if (method === undefined && url === undefined) {
    const parsed = parseHttpCommand(command);
    if (typeof parsed === "string" || parsed.body === undefined || body === undefined) return parsed;
    return `has a body, and so has \`with\`: leave out that of the command, or \`${body}\``;
  }
  if (command.trim() !== "") {
    const twice = method === undefined ? "`url`" : url === undefined ? "`method`" : "`method` and `url`";
    return `names the request, and so does \`with\`: leave out the command, or ${twice}`;
  }
  if (url === undefined) return "is missing: `with` has a `method`, but no `url`";
  // It may be a secret: what is wrong with it is told without it.
  if (!URL.canParse(url)) return "is left out, and `url` of `with` is no URL";
  if (!isOfHttp(new URL(url))) return "is left out, and `url` of `with` is neither http: nor https:";
  return requestLine(method ?? (body === undefined ? "GET" : "POST"), url, "");
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
  const method = METHODS.find((known) => known === name.toUpperCase());
  if (method === undefined) return `method '${name}' is not one of ${METHODS.join(", ")}${hint}`;
  if (address === "") return `the URL is missing${hint}`;
  if (!URL.canParse(address)) return `'${withoutUserInfo(address)}' is no URL${hint}`;
  const url = new URL(address);
  if (!isOfHttp(url)) return `'${url.protocol}' is not http: or https:`;
  return { method, url };
}

function isOfHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** Even what is no URL may have a password in it. */
function withoutUserInfo(address: string): string {
  return address.replace(/\/\/[^/]*@/, "//…@").replace(/\?.*$/s, "?…");
}
