/**
 * Tasks of type `http`: one request, and those that its redirects lead to.
 *
 * H1 A request is sent once. Whether a further attempt is made is not decided here.
 * H2 Every connection, of a redirect too, goes to an address that the worker's policy allows.
 * H3 An answer takes a bounded amount of memory, whatever is sent; what has not ended ends with the attempt.
 */
import type { HttpTaskOptions } from "../core/http-options.ts";
import type { JsonObject } from "../core/json.ts";
import type { TaskError } from "../core/outcome.ts";
import type { TaskCall, TaskContext, TaskExecutor, TaskReturn } from "../ports/task-executor.ts";
import { readBody, valueOf } from "./http-body.ts";
import { errorOfSending } from "./http-errors.ts";
import { type HttpAnswer, HttpClient, type HttpTimes } from "./http-exchange.ts";
import { BadRedirect, redirected } from "./http-redirect.ts";
import { type HttpRequest, requestOf } from "./http-request.ts";
import { errorOfStatus } from "./http-verdict.ts";
import { NetPolicy } from "./net-policy.ts";

export interface HttpOptions {
  /** How much of the body of an answer is kept, in bytes. Default 8 MiB. */
  readonly bodyLimit?: number;
  /** Where requests may go. Default: anywhere but to link-local and metadata addresses. */
  readonly netPolicy?: NetPolicy;
}

const MAX_REDIRECTS = 5;
const CONNECT_SECONDS = 10;
/** A timer that is given more ends at once. */
const MAX_SECONDS = 2 ** 31 / 1_000 - 1;
const RESPONSE_HEADERS = ["content-type"];

/** The worker knows why, and says so in its place. */
const ENDED = new Error("ended before its time");

/** One attempt, on its way. */
interface Asking {
  readonly options: HttpTaskOptions;
  readonly times: HttpTimes;
  readonly signal: AbortSignal;
  readonly log: TaskContext["log"];
  readonly masked: TaskContext["masked"];
}

export class HttpTaskExecutor implements TaskExecutor {
  readonly type = "http";
  /** No part of a request is read from a file. */
  readonly seesFiles = "none";
  readonly #bodyLimit: number;
  readonly #client: HttpClient;

  constructor({ bodyLimit = 8 * 1_024 * 1_024, netPolicy = NetPolicy.any() }: HttpOptions = {}) {
    this.#bodyLimit = bodyLimit;
    this.#client = new HttpClient(netPolicy);
  }

  async execute(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    const log = (line: string): void => context.log(line);
    const masked = (text: string): string => context.masked(text);
    const request = requestOf(call, masked);
    if (typeof request === "string") return failed({ reason: "bad-input", message: request });
    const options = call.options as HttpTaskOptions;
    const end = new AbortController();
    const stop = (): void => end.abort(ENDED);
    context.signal.addEventListener("abort", stop, { once: true });
    if (context.signal.aborted) stop();
    try {
      const { signal } = end;
      return await this.#follow(request, { options, times: timesOf(options), signal, log, masked });
    } finally {
      context.signal.removeEventListener("abort", stop);
      stop();
    }
  }

  async #follow(first: HttpRequest, asking: Asking): Promise<TaskReturn> {
    const most = asking.options.max_redirects ?? MAX_REDIRECTS;
    let request = first;
    try {
      for (let left = most; ; left--) {
        const begun = performance.now();
        const answer = await this.#client.exchange(request, asking);
        const next = most === 0 ? undefined : redirected(request, answer, asking.masked);
        if (next === undefined) {
          const returned = await this.#finish(request, answer, asking);
          asking.log(`${told(request)} → ${answer.status} in ${Math.round(performance.now() - begun)} ms`);
          return returned;
        }
        answer.drop();
        if (left === 0) throw new BadRedirect(`there are more than ${most} redirects (max_redirects)`);
        asking.log(`${told(request)} → ${answer.status}, on to ${next.told.toString()}`);
        request = next;
      }
    } catch (error) {
      if (error === ENDED) return failed({ reason: "cancelled", message: ENDED.message });
      const { reason, message } = errorOfSending(error, asking.times);
      return failed({ reason, message: `${told(request)}: ${request.told.within(message)}` });
    }
  }

  async #finish(request: HttpRequest, answer: HttpAnswer, { options, log }: Asking): Promise<TaskReturn> {
    const { status, headers, body } = answer;
    const read = await readBody(body, { encoding: encodingOf(request, answer), limit: this.#bodyLimit });
    const output: JsonObject = {
      status,
      headers: chosen(headers, options.response_headers ?? RESPONSE_HEADERS),
      body: valueOf(read, textOf(headers["content-type"]), log),
      ...(read.isCut ? { body_truncated: true } : {}),
    };
    const error = errorOfStatus(told(request), answer, options);
    return error === undefined ? { ok: true, output } : failed(error, output);
  }
}

function failed(error: TaskError, output?: JsonObject): TaskReturn {
  return { ok: false, error, ...(output === undefined ? {} : { output }) };
}

function timesOf(options: HttpTaskOptions): HttpTimes {
  const most = (seconds: number): number => Math.min(seconds, MAX_SECONDS);
  return {
    connect: most(options.connect_timeout ?? CONNECT_SECONDS),
    headers: most(options.headers_timeout ?? 0),
    body: most(options.body_timeout ?? 0),
  };
}

function told(request: HttpRequest): string {
  return `${request.method} ${request.told.toString()}`;
}

/** How the body is packed; where there is none, it is not. */
function encodingOf({ method }: HttpRequest, { status, headers }: HttpAnswer): string {
  const isEmpty =
    method === "HEAD" || status === 204 || status === 304 || textOf(headers["content-length"]) === "0";
  return isEmpty ? "" : textOf(headers["content-encoding"]);
}

function textOf(value: string | string[] | undefined): string {
  return [value ?? ""].flat().join(", ");
}

function chosen(headers: HttpAnswer["headers"], names: readonly string[]): HttpAnswer["headers"] {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => wanted.has("*") || wanted.has(name)));
}
