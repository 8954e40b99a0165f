/** Where redirects of an http task lead. */
import type { TaskContext } from "../ports/task-executor.ts";
import type { HttpAnswer } from "./http-exchange.ts";
import type { HttpRequest } from "./http-request.ts";
import { ToldUrl } from "./told-url.ts";

/** It leads nowhere, or too far. */
export class BadRedirect extends Error {}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Headers that say nothing of who asks: all others stay with the origin that they were meant for. */
const FOR_ANYONE = /^(?:accept(?:-.*)?|content-.*|user-agent)$/;

/**
 * The request that an answer sends on to, as the fetch standard has it, but more careful: another origin gets no header
 * that may be a credential. Nothing where the answer sends nowhere. Throws `BadRedirect`.
 */
export function redirected(
  request: HttpRequest,
  { status, headers: { location } }: Pick<HttpAnswer, "status" | "headers">,
  masked: TaskContext["masked"],
): HttpRequest | undefined {
  if (!REDIRECTS.has(status) || location === undefined) return undefined;
  if (typeof location !== "string") throw new BadRedirect(`answered ${status}, with several Locations`);
  if (!URL.canParse(location, request.url.href)) {
    throw new BadRedirect(`answered ${status}, with a Location that is no URL`);
  }
  const url = new URL(location, request.url.href);
  const base = URL.canParse(location) ? undefined : request.told;
  const told = new ToldUrl(url, masked(location), base);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new BadRedirect(`answered ${status}, with a Location that is neither http: nor https:`);
  }
  url.username = "";
  url.password = "";
  const { method, body } = request;
  const isOther = url.origin !== request.url.origin;
  const asGet = status === 303 ? method !== "GET" && method !== "HEAD" : status < 303 && method === "POST";
  const kept = Object.entries(request.headers).filter(
    ([name]) => !(isOther && !FOR_ANYONE.test(name)) && !(asGet && name.startsWith("content-")),
  );
  const next = { url, told, headers: Object.fromEntries(kept) };
  if (asGet) return { ...next, method: "GET" };
  return { ...next, method, ...(body === undefined ? {} : { body }) };
}
