/** Tasks of type `http`: one request, `METHOD URL [BODY]`. */
import { Agent, interceptors, request } from "undici";
import { type HttpCommand, type HttpMethod, parseHttpCommand } from "../core/http-command.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { TaskError } from "../core/outcome.ts";
import type { TaskCall, TaskContext, TaskExecutor, TaskReturn } from "../ports/task-executor.ts";
import { Captured } from "./captured.ts";

const WITH_JSON_BODY: ReadonlySet<HttpMethod> = new Set(["POST", "PUT", "PATCH"]);
const MAX_REDIRECTS = 5;

export interface HttpOptions {
  /** How much of a response body is kept, in bytes. Default 8 MiB. */
  readonly bodyLimit?: number;
}

export class HttpTaskExecutor implements TaskExecutor {
  readonly type = "http";
  readonly #bodyLimit: number;
  readonly #agent = new Agent().compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }));

  constructor({ bodyLimit = 8 * 1_024 * 1_024 }: HttpOptions = {}) {
    this.#bodyLimit = bodyLimit;
  }

  async execute(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    const command = parseHttpCommand(call.command);
    if (typeof command === "string") return { ok: false, error: { reason: "bad-input", message: command } };
    try {
      return await this.#send(command, context);
    } catch (error) {
      return { ok: false, error: networkError(command, error) };
    }
  }

  async #send({ method, url, body }: HttpCommand, { signal }: TaskContext): Promise<TaskReturn> {
    const response = await request(url, {
      method,
      signal,
      dispatcher: this.#agent,
      // The attempt's own time limit ends it.
      headersTimeout: 0,
      bodyTimeout: 0,
      headers: WITH_JSON_BODY.has(method) ? { "content-type": "application/json" } : {},
      ...(body === undefined ? {} : { body }),
    });
    const captured = new Captured(this.#bodyLimit);
    for await (const chunk of response.body) captured.add(chunk as Buffer);
    const headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value : (value ?? ""),
      ]),
    );
    const output: JsonObject = {
      status: response.statusCode,
      headers,
      body: readBody(captured, String(response.headers["content-type"] ?? "")),
      ...(captured.isCut ? { body_truncated: true } : {}),
    };
    if (response.statusCode < 400) return { ok: true, output };
    const message = `${method} ${withoutSecrets(url)} answered ${response.statusCode}`;
    return { ok: false, error: { reason: "http-status", message }, output };
  }
}

function readBody(captured: Captured, contentType: string): JsonValue {
  const text = captured.text();
  if (captured.isCut || !/[/+]json\b/i.test(contentType)) return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function networkError({ method, url }: HttpCommand, error: unknown): TaskError {
  const parts = error instanceof AggregateError ? error.errors : [error];
  const why = parts.map((part) => (part instanceof Error ? part.message : String(part))).join("; ");
  return { reason: "network", message: `${method} ${withoutSecrets(url)}: ${why}` };
}

function withoutSecrets(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.search = url.search === "" ? "" : "?…";
  return shown.href;
}
