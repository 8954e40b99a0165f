/** The request that an http task asks for. */
import { type HttpMethod, httpCommand } from "../core/http-command.ts";
import type { Fields, HttpAuth, HttpTaskOptions } from "../core/http-options.ts";
import type { TaskCall } from "../ports/task-executor.ts";

export interface HttpRequest {
  readonly method: HttpMethod;
  /** Without user and password. */
  readonly url: URL;
  /** The URL as it may be told. */
  readonly shown: string;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

const WITH_JSON_BODY: ReadonlySet<HttpMethod> = new Set(["POST", "PUT", "PATCH"]);
const PRESETS = { accept: "*/*", "accept-encoding": "gzip, br", "user-agent": "jetdag" };

/** What the task asks for, or why it cannot be sent. */
export function requestOf({ command, options: given }: TaskCall): HttpRequest | string {
  const options = given as HttpTaskOptions;
  const line = httpCommand(command, options);
  if (typeof line === "string") return `command: ${line}`;
  const { method, url } = line;
  const auth = options.auth ?? userInfoOf(url);
  url.username = "";
  url.password = "";
  addQuery(url, options.query ?? {});
  const body = bodyOf(options) ?? {
    ...(WITH_JSON_BODY.has(method) ? { type: "application/json" } : {}),
    ...(line.body === undefined ? {} : { text: line.body }),
  };
  const headers = {
    ...PRESETS,
    ...(body.type === undefined ? {} : { "content-type": body.type }),
    ...(auth === undefined ? {} : { authorization: authorization(auth) }),
    ...inSmallLetters(options.headers ?? {}),
  };
  const shown = shownUrl(url, options.url);
  return { method, url, shown, headers, ...(body.text === undefined ? {} : { body: body.text }) };
}

/** What is there already stays as it was written: it may be signed. */
function addQuery(url: URL, query: Fields): void {
  const added = new URLSearchParams(pairsOf(query)).toString();
  if (added !== "") url.search = url.search === "" ? added : `${url.search}&${added}`;
}

interface Body {
  readonly type?: string;
  readonly text?: string;
}

function bodyOf({ json, text, form }: HttpTaskOptions): Body | undefined {
  if (json !== undefined) return { type: "application/json", text: JSON.stringify(json) };
  if (text !== undefined) return { type: "text/plain; charset=utf-8", text };
  if (form === undefined) return undefined;
  return { type: "application/x-www-form-urlencoded", text: new URLSearchParams(pairsOf(form)).toString() };
}

function pairsOf(fields: Fields): [name: string, value: string][] {
  return Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
}

function inSmallLetters(headers: Fields): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === "string" ? value : [...value],
    ]),
  );
}

function userInfoOf({ username, password }: URL): HttpAuth | undefined {
  if (username === "" && password === "") return undefined;
  return { basic: { username: decoded(username), password: decoded(password) } };
}

/** A per cent sign may stand for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function authorization({ basic, bearer = "" }: HttpAuth): string {
  if (basic === undefined) return `Bearer ${bearer}`;
  return `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString("base64")}`;
}

/**
 * A URL as it may be told: what is behind the `?` is often a key. One of `with` may be a secret, which is masked where it
 * stands in full; where it would not, its origin has to do.
 */
export function shownUrl(url: URL, given = ""): string {
  const shown = `${url.origin}${url.pathname}`;
  return `${shown.includes(given) ? shown : `${url.origin}/…`}${url.search === "" ? "" : "?…"}`;
}
