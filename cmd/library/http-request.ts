/** A request, as programs write it: the options of an http task in a file, in camelCase. */
import type { Expressed } from "../../internal/core/expressed.ts";
import type { JsonValue } from "../../internal/core/json.ts";
import type { Duration } from "./options.ts";

type Scalar = string | number | boolean | Expressed;
/** One that has several values is there several times. */
type Fields = Readonly<Record<string, Scalar | readonly Scalar[]>>;
/** `404`, `"200-299"`, `"2xx"`. */
type Status = number | string;

/**
 * Any text may be, or have in it, a secret: `secret://NAME`. The URL, the body, and values of headers and query may be
 * expressions: `{ expression: "https://example.com/{find.id}" }`.
 */
export interface HttpRequest {
  readonly url: string | URL | Expressed;
  /** Default `GET`, or `POST` where there is a body. */
  readonly method?: string;
  readonly headers?: Fields;
  /** Goes behind what the URL has after its `?`. */
  readonly query?: Fields;
  /** The body, as JSON. At most one of `json`, `text` and `form` is there. */
  readonly json?: JsonValue;
  /** The body as it is. */
  readonly text?: string | Expressed;
  /** The body, as a form has it. */
  readonly form?: Fields;
  readonly auth?:
    | { readonly bearer: string }
    | { readonly basic: { readonly username: string; readonly password: string } };
  /** Statuses that are a success. Default: all below 400. */
  readonly expectStatus?: readonly Status[];
  /** Of the others, those that are worth a further attempt. Default: all. */
  readonly retryStatus?: readonly Status[];
  /** Default 5; with 0, a redirect is the answer. */
  readonly maxRedirects?: number;
  /** Until there is a connection. Default 10s. */
  readonly connectTimeout?: Duration;
  /** From then on until the answer begins. Default: the attempt's own time limit. */
  readonly headersTimeout?: Duration;
  /** How long nothing more of the body may come. Default: the attempt's own time limit. */
  readonly bodyTimeout?: Duration;
  /** Headers of the answer that go into the output; `*` is all of them. Default `["content-type"]`. */
  readonly responseHeaders?: readonly string[];
}
