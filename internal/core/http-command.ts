/** What tasks of type `http` run: one request, `METHOD URL [BODY]`. */

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
export type HttpMethod = (typeof METHODS)[number];

export interface HttpCommand {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly body?: string;
}

/** Reads `METHOD URL [BODY]`, split at the first two blanks; the message of what is wrong otherwise. */
export function parseHttpCommand(command: string): HttpCommand | string {
  const [, name = "", address = "", body] = /^\s*(\S+)\s*(\S*)(?:\s+([\s\S]*))?$/.exec(command) ?? [];
  const method = METHODS.find((known) => known === name.toUpperCase());
  if (method === undefined)
    return `method '${name}' is not one of ${METHODS.join(", ")}; write METHOD URL [BODY]`;
  if (address === "") return "the URL is missing; write METHOD URL [BODY]";
  if (!URL.canParse(address)) return `'${address}' is no URL; write METHOD URL [BODY]`;
  const url = new URL(address);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return `'${url.protocol}' is not http: or https:`;
  const hasBody = body !== undefined && body.trim() !== "";
  return { method, url, ...(hasBody ? { body } : {}) };
}
