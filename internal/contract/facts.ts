/** Facts on the wire. */
import { z } from "zod";
import type { Fact, RunDefaults } from "../core/facts.ts";
import type { JsonObject } from "../core/json.ts";
import { FAILURES, type FailureReason, type Outcome, type TaskError } from "../core/outcome.ts";
import type { Stored } from "../core/stored.ts";
import { decode, type Decoded, encode, explain, map } from "./codec.ts";
import type { FactSubject } from "./subjects.ts";

const seconds = z.number().nonnegative();
const count = z.int().nonnegative();
/** Objects are taken over as they are: JSON text can hold nothing else. */
export const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  { error: "must be an object" },
);

export const blobRef = z.object({ name: z.string(), bytes: count, chunks: count });

export function stored<V>(inline: z.ZodType<V>): z.ZodType<Stored<V>> {
  const either: unknown = z.union([z.object({ inline }), z.object({ ref: blobRef })]);
  return either as z.ZodType<Stored<V>>;
}

const submitted = z.object({
  v: z.literal(1),
  dag_name: z.string(),
  tenant_id: z.string(),
  definition: blobRef,
  params: stored(jsonObject),
  defaults: z.object({ task_timeout_s: seconds.optional(), loss_cap: count }),
  semantics: z.int(),
  nonce: z.string(),
});

const outcomes = z.object({ v: z.literal(1), run_seq: count, items: z.array(z.unknown()) });

const identity = z.object({ task: z.string(), index: count, attempt: count });

const reasons = Object.keys(FAILURES) as [FailureReason, ...FailureReason[]];
const item = identity.extend({
  state: z.enum(["completed", "failed"]),
  worker: z.string().optional(),
  duration_ms: z.number().nonnegative(),
  output: stored(jsonObject).optional(),
  error: z
    .object({
      reason: z.enum(reasons),
      message: z.string(),
      exit_code: z.int().optional(),
      signal: z.string().optional(),
    })
    .optional(),
});

const cancel = z.object({ v: z.literal(1), cause: z.enum(["request", "time-limit"]), message: z.string() });

const finished = z.object({
  v: z.literal(1),
  state: z.enum(["completed", "failed", "crashed", "cancelled"]),
  duration_ms: z.number().nonnegative(),
});

export function encodeFact(fact: Fact): Uint8Array {
  switch (fact.kind) {
    case "submitted":
      return encode({
        v: 1,
        dag_name: fact.dagName,
        tenant_id: fact.tenantId,
        definition: fact.definition,
        params: fact.params,
        defaults: wireDefaults(fact.defaults),
        semantics: fact.semantics,
        nonce: fact.nonce,
      });
    case "outcomes":
      return encode({ v: 1, run_seq: fact.runSeq, items: fact.items.map(wireItem) });
    case "cancel":
      return encode({ v: 1, cause: fact.cause, message: fact.message });
    case "finished":
      return encode({ v: 1, state: fact.state, duration_ms: fact.durationMs });
  }
}

function wireDefaults({ taskTimeoutMs, lossCap }: RunDefaults): z.input<typeof submitted>["defaults"] {
  return {
    loss_cap: lossCap,
    ...(taskTimeoutMs === undefined ? {} : { task_timeout_s: taskTimeoutMs / 1_000 }),
  };
}

function toDefaults(wire: z.output<typeof submitted>["defaults"]): RunDefaults {
  const { task_timeout_s: timeout, loss_cap: lossCap } = wire;
  return { lossCap, ...(timeout === undefined ? {} : { taskTimeoutMs: timeout * 1_000 }) };
}

function wireItem(outcome: Outcome): z.input<typeof item> {
  const { task, index, attempt, state, worker, durationMs, output } = outcome;
  return {
    task,
    index,
    attempt,
    state,
    worker,
    output,
    duration_ms: durationMs,
    ...(outcome.state === "failed" ? { error: wireError(outcome.error) } : {}),
  };
}

function wireError({ reason, message, exitCode, signal }: TaskError): z.input<typeof item>["error"] {
  return { reason, message, exit_code: exitCode, signal };
}

/** What the subject does not say is in the bytes. */
export function decodeFact(subject: FactSubject, bytes: Uint8Array): Decoded<Fact> {
  switch (subject.kind) {
    case "submitted":
      return map(decode(submitted, bytes), (wire) => ({
        kind: "submitted",
        dagName: wire.dag_name,
        tenantId: wire.tenant_id,
        definition: wire.definition,
        params: wire.params,
        defaults: toDefaults(wire.defaults),
        semantics: wire.semantics,
        nonce: wire.nonce,
      }));
    case "outcomes":
      return decodeOutcomes(subject, bytes);
    case "cancel":
      return map(decode(cancel, bytes), ({ cause, message }) => ({
        kind: "cancel",
        gen: subject.gen,
        cause,
        message,
      }));
    case "finished":
      return map(decode(finished, bytes), ({ state, duration_ms }) => ({
        kind: "finished",
        gen: subject.gen,
        state,
        durationMs: duration_ms,
      }));
  }
}

function decodeOutcomes(subject: FactSubject & { kind: "outcomes" }, bytes: Uint8Array): Decoded<Fact> {
  const wire = decode(outcomes, bytes);
  if ("wrong" in wire) return wire;
  const items: Outcome[] = [];
  for (const raw of wire.value.items) {
    const read = readItem(raw);
    if ("wrong" in read) return read;
    items.push(read.value);
  }
  const { queue, incarnation, n } = subject;
  return { value: { kind: "outcomes", runSeq: wire.value.run_seq, items, queue, incarnation, n } };
}

/** An outcome of the wrong shape is a failure of its attempt, as long as it says which attempt it is. */
function readItem(raw: unknown): Decoded<Outcome> {
  const parsed = item.safeParse(raw);
  if (parsed.success && (parsed.data.state === "completed" || parsed.data.error !== undefined)) {
    return { value: toOutcome(parsed.data) };
  }
  const whose = identity.safeParse(raw);
  const wrong = parsed.success ? "error: is missing" : explain(parsed.error);
  if (!whose.success) return { wrong: `an outcome does not say of what: ${wrong}` };
  const error = { reason: "invalid-outcome", message: `the outcome cannot be read: ${wrong}` } as const;
  return { value: { ...whose.data, state: "failed", durationMs: 0, error } };
}

function toOutcome(wire: z.output<typeof item>): Outcome {
  const { task, index, attempt, worker, output, error } = wire;
  const base = {
    task,
    index,
    attempt,
    durationMs: wire.duration_ms,
    ...(worker === undefined ? {} : { worker }),
    ...(output === undefined ? {} : { output }),
  };
  if (wire.state === "completed" || error === undefined) return { ...base, state: "completed" };
  const { reason, message, exit_code: exitCode, signal } = error;
  return {
    ...base,
    state: "failed",
    error: {
      reason,
      message,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(signal === undefined ? {} : { signal }),
    },
  };
}
