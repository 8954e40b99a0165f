/**
 * What an attempt knows of secrets: the values that its definition names, and the mask of all that it says.
 *
 * References count where whoever wrote or submitted the run put them: in the environment, the options and the params of
 * the task, and the params of the run. Outputs of upstream tasks are data: what a task printed names no secret.
 */
import type { ResolvedInputs } from "../core/params.ts";
import type { JsonObject } from "../core/json.ts";
import type { TaskError } from "../core/outcome.ts";
import { Mask } from "../core/mask.ts";
import { problemOfName, problemOfSecret, reveal, secretsIn } from "../core/secrets.ts";
import type { AttemptLog } from "../ports/attempt-logs.ts";
import { NoSecret, type Secrets } from "../ports/secrets.ts";
import type { PrintStream } from "../ports/task-executor.ts";

/** What may name secrets, and what goes with it. */
export interface Parts {
  readonly env: Readonly<Record<string, string>>;
  readonly options: JsonObject;
  readonly inputs: ResolvedInputs;
  /** References that bindings make, by the names of their secrets. */
  readonly bound: Readonly<Record<string, string>>;
}

/** The same with every secret in its place. */
export interface Revealed extends Parts {
  /** Only where there are secrets. */
  readonly mask?: Mask;
}

/** At once, and the same parts, where no secret is named. Stops to look when the signal is aborted. */
export function revealSecrets(
  parts: Parts,
  secrets: Secrets,
  signal: AbortSignal,
): Revealed | Promise<Revealed | { readonly error: TaskError }> {
  const { env, options, inputs, bound } = parts;
  const names = secretsIn(env, options, inputs.run.inline, inputs.own, bound);
  return names === undefined ? parts : withValues(parts, { names, secrets, signal });
}

async function withValues(
  { env, options, inputs, bound }: Parts,
  { names, secrets, signal }: { names: ReadonlySet<string>; secrets: Secrets; signal: AbortSignal },
): Promise<Revealed | { readonly error: TaskError }> {
  const values = new Map<string, string>();
  // One after the other: who names a thousand starts no thousand programs at once.
  for (const name of names) {
    if (signal.aborted) return { error: { reason: "cancelled", message: "told to end before it began" } };
    const found = await valueOf(name, secrets);
    if ("error" in found) return found;
    values.set(name, found.value);
  }
  return {
    env: reveal(env, values),
    bound: reveal(bound, values),
    options: reveal(options, values),
    inputs: {
      ...inputs,
      run: { inline: reveal(inputs.run.inline, values) },
      own: reveal(inputs.own, values),
    },
    ...(values.size === 0 ? {} : { mask: new Mask(values.values()) }),
  };
}

async function valueOf(
  name: string,
  secrets: Secrets,
): Promise<{ readonly value: string } | { readonly error: TaskError }> {
  const wrong = problemOfName(name);
  if (wrong !== undefined) return { error: { reason: "bad-input", message: wrong } };
  const missing = (why: string): { error: TaskError } => ({
    error: { reason: "missing-secret", message: `secret '${name}': ${why}` },
  });
  try {
    const value = await secrets.get(name);
    const problem = problemOfSecret(value);
    return problem === undefined ? { value } : missing(problem);
  } catch (error) {
    return missing(error instanceof NoSecret ? error.message : "it could not be looked up");
  }
}

const STREAMS = ["stdout", "stderr"] as const satisfies readonly PrintStream[];

export function maskedLog(log: AttemptLog, mask: Mask): AttemptLog {
  const streams = { stdout: mask.stream(), stderr: mask.stream() };
  const print = (stream: PrintStream, bytes: Uint8Array): void => {
    if (bytes.length > 0) log.print(stream, bytes);
  };
  return {
    line: (text) => log.line(mask.text(text)),
    print: (stream, bytes) => print(stream, streams[stream].take(bytes)),
    end: () => {
      for (const stream of STREAMS) print(stream, streams[stream].end());
      log.end();
    },
  };
}
