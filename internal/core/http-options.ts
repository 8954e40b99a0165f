/** What tasks of type `http` have in `with`, once it has been checked. */
import type { JsonValue } from "./json.ts";
import type { StatusPattern } from "./http-status.ts";

/** Names and their values; one that has several is there several times. */
export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** Times in seconds. Docs and defaults of each stand with the schema. */
export interface HttpTaskOptions {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Fields;
  readonly query?: Fields;
  readonly json?: JsonValue;
  readonly text?: string;
  readonly form?: Fields;
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
