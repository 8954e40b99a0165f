/** What went wrong on the way to an answer, in words that say what to do. */
import type { FailureReason, TaskError } from "../core/outcome.ts";
import { BadBody } from "./http-body.ts";
import { AddressRefused } from "./http-connector.ts";
import { type HttpTimes, NotConnected } from "./http-exchange.ts";
import { BadRedirect } from "./http-redirect.ts";

/** Of certificates that nobody vouches for whom this worker knows. */
const UNTRUSTED = new Set([
  ...["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ...["UNABLE_TO_GET_ISSUER_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "CERT_UNTRUSTED"],
]);
/** The request itself is such that it cannot be sent. */
const NOT_SENDABLE = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]);

export function errorOfSending(error: unknown, times: HttpTimes): Pick<TaskError, "reason" | "message"> {
  return { reason: reasonOf(error), message: sentenceOf(error, times) };
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof AddressRefused) return "refused";
  if (error instanceof BadBody) return "bad-output";
  if (error instanceof BadRedirect) return "http-status";
  return NOT_SENDABLE.has(codeOf(error)) ? "bad-input" : "network";
}

function sentenceOf(error: unknown, { connect, headers, body }: HttpTimes): string {
  if (error instanceof NotConnected) return `no connection within ${connect} s (connect_timeout)`;
  const code = codeOf(error);
  if (UNTRUSTED.has(code)) {
    // Newer versions of Node add an advice of their own, which a worker's user cannot follow.
    const [why] = messageOf(error).split(";");
    return `the worker does not trust the server's certificate (${why}); name a file with the certificate of its CA in the worker's variable NODE_EXTRA_CA_CERTS`;
  }
  switch (code) {
    case "UND_ERR_HEADERS_TIMEOUT":
      return `no answer within ${headers} s (headers_timeout)`;
    case "UND_ERR_BODY_TIMEOUT":
      return `nothing more of the answer's body within ${body} s (body_timeout)`;
    case "UND_ERR_CONNECT_TIMEOUT":
      return "no connection was made";
    case "UND_ERR_HEADERS_OVERFLOW":
      return "the headers of the answer are too large; NODE_OPTIONS=--max-http-header-size of the worker says how large they may be";
    case "UND_ERR_SOCKET":
      return `the connection ended before the answer did (${messageOf(error)})`;
    default:
      return code.startsWith("HPE_") ? `the answer is no HTTP: ${messageOf(error)}` : messageOf(error);
  }
}

/** A host with several addresses fails with an error for each. */
function messageOf(error: unknown): string {
  const parts: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return parts.map((part) => (part instanceof Error ? part.message : String(part))).join("; ");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
