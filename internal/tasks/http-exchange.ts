/** One request and the beginning of its answer, over connections that all http tasks of this process share. */
import type { Readable } from "node:stream";
import { Agent, type Dispatcher, request as send } from "undici";
import { connectorFor } from "./http-connector.ts";
import type { HttpRequest } from "./http-request.ts";
import type { NetPolicy } from "./net-policy.ts";

/** In seconds; 0 is no limit, but of a connection, which always has one. */
export interface HttpTimes {
  readonly connect: number;
  readonly headers: number;
  readonly body: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Has to be read to its end, destroyed, or dropped. */
  readonly body: Readable;
  /** For a body of no use: a short one is read, so that the connection can be used again. */
  drop(): void;
}

const DROPPED_BYTES = 16_384;

/** There was no connection in time. */
export class NotConnected extends Error {}

export class HttpClient {
  readonly #agent: Agent;

  constructor(policy: NetPolicy) {
    this.#agent = new Agent({ connect: connectorFor(policy) });
  }

  /** Sends a request once, and never again. Rejects as soon as the signal is aborted. */
  async exchange(
    { url, method, headers: given, body: sent }: HttpRequest,
    { times, signal }: { readonly times: HttpTimes; readonly signal: AbortSignal },
  ): Promise<HttpAnswer> {
    signal.throwIfAborted();
    const end = new AbortController();
    signal.addEventListener("abort", () => end.abort(signal.reason), { once: true });
    const timer = setTimeout(() => end.abort(new NotConnected()), times.connect * 1_000);
    try {
      const answer = send(url, {
        method,
        headers: given,
        ...(sent === undefined ? {} : { body: sent }),
        signal: end.signal,
        dispatcher: this.#agent.compose(whenSent(() => clearTimeout(timer))),
        headersTimeout: times.headers * 1_000,
        bodyTimeout: times.body * 1_000,
      });
      const { statusCode, headers, body } = await Promise.race([answer, aborted(end.signal)]);
      const drop = (): void => void body.dump({ limit: DROPPED_BYTES });
      return { status: statusCode, headers: withoutGaps(headers), body, drop };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Calls once the request has a connection and goes out. */
function whenSent(act: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (...args) => {
        act();
        handler.onRequestStart?.(...args);
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}

/** Undici sees an aborted signal only once there is a connection; then it sends nothing. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function withoutGaps(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value ?? ""]));
}
