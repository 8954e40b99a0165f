/** What tasks of type `http` have in `with`, once it has been checked. */
import type { JsonValue } from "./json.ts";
import type { StatusPattern } from "./http-status.ts";

/** Names and their values; one that has several is there several times. */
export type Fields<Value = string> = Readonly<Record<string, Value | readonly Value[]>>;

/**
 * Times in seconds. Docs and defaults of each stand with the schema. `Value` is what may stand where an expression may:
 * text alone, once they are evaluated.
 */
export interface HttpTaskOptions<Value = string> {
  readonly method?: string;
  readonly url?: Value;
  readonly headers?: Fields<Value>;
  readonly query?: Fields<Value>;
  readonly json?: JsonValue;
  readonly text?: Value;
  readonly form?: Fields<Value>;
  readonly auth?: HttpAuth;
  readonly expect_status?: readonly StatusPattern[];
  readonly retry_status?: readonly StatusPattern[];
  readonly max_redirects?: number;
  readonly connect_timeout?: number;
  readonly headers_timeout?: number;
  readonly body_timeout?: number;
  readonly response_headers?: readonly string[];
}

/** One of the two. */
export interface HttpAuth {
  readonly basic?: { readonly username: string; readonly password: string };
  readonly bearer?: string;
}

/** The fields that hold a body: at most one of them is there. */
export const BODIES = ["json", "text", "form"] as const;

/** What can be sent: what is beyond Latin-1, or ends the line, cannot. */
const HEADER_VALUE = /^[\t\u0020-\u007E\u0080-\u00FF]*$/;

/** Why a header cannot have this value; nothing when it can. */
export function problemOfHeaderValue(value: string): string | undefined {
  if (HEADER_VALUE.test(value)) return undefined;
  return "must not hold line breaks, control characters, or characters that Latin-1 does not have";
}
