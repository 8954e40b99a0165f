/** `with` of tasks of type `http`. */
import { z } from "zod";
import { type Expressed, isExpressed } from "../core/expressed.ts";
import { BODIES, type HttpTaskOptions, problemOfHeaderValue } from "../core/http-options.ts";
import { boundsOf, STATUS } from "../core/http-status.ts";
import { shown } from "../core/shown.ts";
import type { JsonValue } from "../core/json.ts";
import { expressed, may, must, name, someSeconds, text, whole } from "./fields.ts";
import { together } from "./together.ts";

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: must("text, a number, true or false"),
});
const value = z.union([scalar.transform(String), expressed], {
  error: must("text, a number, true, false or an expression"),
});
const values = z.union([value, z.array(value)], {
  error: must("text, a number, true, false, an expression, or a list of them"),
});
const textOrExpression = z.union([text, expressed], { error: must("text or an expression") });
const someTextOrExpression = z.union([name, expressed], {
  error: must("text that is not empty, or an expression"),
});
const fields = z
  .record(z.string(), values, { error: must("a map of names to values") })
  .meta({ title: "map of names to text or lists" });

/** RFC 9110: a token. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** They say how the request is sent, which the request itself does. */
const FRAMING = new Set([
  ...["connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade"],
]);

const headers = fields
  .superRefine((given, context) => {
    const seen = new Set<string>();
    for (const [header, value] of Object.entries(given)) {
      const message = problemOfHeader(header, value, seen);
      if (message !== undefined) context.addIssue({ code: "custom", path: [header], message });
      seen.add(header.toLowerCase());
    }
  })
  .meta({ title: "map of names to text or lists", propertyNames: { pattern: HEADER_NAME.source } });

function problemOfHeader(
  header: string,
  given: z.output<typeof values>,
  seen: ReadonlySet<string>,
): string | undefined {
  if (!HEADER_NAME.test(header)) return `${shown(header)} cannot be the name of a header`;
  if (FRAMING.has(header.toLowerCase())) return "is made with the request, and cannot be given";
  if (seen.has(header.toLowerCase())) return "is there twice; give it a list";
  for (const each of [given].flat()) {
    const problem = isExpressed(each) ? undefined : problemOfHeaderValue(each);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const STATUS_RULE = "a status such as 404, a range such as 200-299, or a class such as 2xx";
const NO_STATUS = { error: must(STATUS_RULE) };
const NO_STATUSES = { error: must(`a list, each ${STATUS_RULE}`) };
const status = z.union(
  [
    z.number(NO_STATUS).int(NO_STATUS).min(100, NO_STATUS).max(599, NO_STATUS),
    z
      .string(NO_STATUS)
      .regex(STATUS, NO_STATUS)
      .refine((pattern) => boundsOf(pattern)[0] <= boundsOf(pattern)[1], NO_STATUS),
  ],
  NO_STATUS,
);
const statuses = z.array(status, NO_STATUSES).min(1, NO_STATUSES).meta({ title: "list of statuses" });

/** That JSON has a form for it is judged of all options. */
const json = z.custom<JsonValue>((value) => value !== undefined).meta({ title: "anything" });

const auth = z
  .strictObject(
    {
      basic: may(
        z.strictObject(
          {
            username: text.meta({ description: "The name of the user." }),
            password: text.meta({ description: "The password, normally `secret://NAME`." }),
          },
          { error: must("a map with username and password") },
        ),
        "User name and password.",
      ),
      bearer: may(name, "A token, normally `secret://NAME`."),
    },
    { error: must("a map with basic or bearer") },
  )
  .refine(({ basic, bearer }) => (basic === undefined) !== (bearer === undefined), {
    error: "must have one of basic and bearer",
  })
  .meta({ minProperties: 1, maxProperties: 1 });

const options = z.strictObject(
  {
    method: may(
      name,
      "The method, where the command is left out. Without it GET, or POST where there is a body.",
    ),
    url: may(
      someTextOrExpression,
      "The URL, where the command is left out. It may be a secret, which the URL of a webhook is.",
    ),
    headers: may(
      headers,
      "Headers of the request. Those that nobody gives are `accept: */*`, `accept-encoding: gzip, br`, `user-agent: jetdag`, and `content-type` by the kind of the body.",
    ),
    query: may(fields, "Goes behind what the URL has after its `?`; what is a list is there several times."),
    json: may(json, "The body, as JSON."),
    text: may(textOrExpression, "The body, as it stands here."),
    form: may(fields, "The body, as a form has it: `application/x-www-form-urlencoded`."),
    auth: may(
      auth,
      "`{ bearer: secret://TOKEN }`, or `{ basic: { username: me, password: secret://PASSWORD } }`.",
    ),
    expect_status: may(
      statuses,
      "Statuses that are a success: numbers, ranges such as `200-299`, classes such as `2xx`. Without it all below 400.",
    ),
    retry_status: may(
      statuses,
      "Of the others, those that are worth a further attempt, if `retries` has one. Without it all of them.",
    ),
    max_redirects: may(
      whole(0, 20),
      "How many redirects are followed; one more fails the attempt. With 0 none is, and the redirect is the answer.",
      5,
    ),
    connect_timeout: may(
      someSeconds,
      "How long it may take until there is a connection, with its name looked up and TLS agreed on.",
      "10s",
    ),
    headers_timeout: may(
      someSeconds,
      "How long it may take from then on until the answer begins. Without it the attempt's own time limit counts.",
    ),
    body_timeout: may(
      someSeconds,
      "How long nothing more of the answer's body may come. Without it the attempt's own time limit counts.",
    ),
    response_headers: may(
      z
        .array(z.string().regex(HEADER_NAME, { error: must("the name of a header, or * for all of them") }), {
          error: must("a list of names of headers"),
        })
        .meta({ title: "list of names" }),
      "Headers of the answer that go into the output, where it has them; `*` is all of them. Without it `content-type`.",
    ),
  },
  { error: must("a map of options of an http task") },
);

export const httpOptions = together(options, (given, complain) => {
  const [one, other] = BODIES.filter((each) => given[each] !== undefined);
  if (one !== undefined && other !== undefined) complain(other, `there is a body already, as ${one}`);
  const names = Object.keys(given.headers ?? {}).map((each) => each.toLowerCase());
  if (given.auth !== undefined && names.includes("authorization"))
    complain("auth", "there is an Authorization already, in headers: leave out one of them");
}) satisfies z.ZodType<HttpTaskOptions<string | Expressed>>;
