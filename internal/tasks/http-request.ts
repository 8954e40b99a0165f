/** The request that an http task asks for. */
import { type HttpMethod, httpCommand } from "../core/http-command.ts";
import {
  type Fields,
  type HttpAuth,
  type HttpTaskOptions,
  problemOfHeaderValue,
} from "../core/http-options.ts";
import type { TaskCall, TaskContext } from "../ports/task-executor.ts";
import { ToldUrl } from "./told-url.ts";

export interface HttpRequest {
  readonly method: HttpMethod;
  /** Without user and password. */
  readonly url: URL;
  readonly told: ToldUrl;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

const WITH_JSON_BODY: ReadonlySet<HttpMethod> = new Set(["POST", "PUT", "PATCH"]);
const PRESETS = { accept: "*/*", "accept-encoding": "gzip, br", "user-agent": "jetdag" };

/** What the task asks for, or why it cannot be sent. */
export function requestOf(
  { command, options: given }: TaskCall,
  masked: TaskContext["masked"],
): HttpRequest | string {
  const options = given as HttpTaskOptions;
  const line = httpCommand(command, options);
  if (typeof line === "string") return line;
  const wrong = problemOfHeaders(options.headers ?? {});
  if (wrong !== undefined) return wrong;
  const { method, url } = line;
  const told = new ToldUrl(url, masked(options.url ?? url.href));
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
  return { method, url, told, headers, ...(body.text === undefined ? {} : { body: body.text }) };
}

/** Secrets and the values of expressions are known only now. */
function problemOfHeaders(headers: Fields): string | undefined {
  for (const [name, value] of pairsOf(headers)) {
    const problem = problemOfHeaderValue(value);
    if (problem !== undefined) return `with.headers.${name}: ${problem}`;
  }
  return undefined;
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
