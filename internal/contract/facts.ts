/** Facts on the wire. What a fact's subject says is not said again in its bytes. */
import { z } from "zod";
import type { Cancel, Fact, Finished, Retired, Retry, RunDefaults, Submitted } from "../core/facts.ts";
import { decode, type Decoded, encode, map } from "./codec.ts";
import { decodeOutcomes, encodeOutcomes } from "./outcomes.ts";
import { blobRef, count, duration, jsonObject, stored, toMs, toSeconds, version } from "./schemas.ts";
import type { FactSubject } from "./subjects.ts";

const submitted = z.object({
  v: version,
  dag_name: z.string(),
  tenant_id: z.string(),
  definition: blobRef,
  params: stored(jsonObject),
  defaults: z.object({
    task_timeout_s: duration.optional(),
    loss_cap: count,
    fan_out_limit: count.optional(),
  }),
  semantics: z.int(),
  nonce: z.string(),
});

const cancel = z.object({
  v: version,
  cause: z.enum(["request", "time-limit", "abort"]),
  message: z.string(),
  state: z.enum(["failed", "crashed", "cancelled"]).optional(),
});

const ended = z.object({
  state: z.enum(["completed", "failed", "crashed", "cancelled"]),
  duration_ms: duration,
});
const finished = ended.extend({ v: version });

/** What follows a generation: a retry of these tasks, or nothing any more. */
const next = z.object({ v: version, tasks: z.array(z.string()).default([]), retired: ended.optional() });

export function encodeFact(fact: Fact): Uint8Array {
  switch (fact.kind) {
    case "submitted":
      return encode(wireSubmitted(fact));
    case "outcomes":
      return encodeOutcomes(fact);
    case "cancel":
      return encode(wireCancel(fact));
    case "retry":
      return encode({ v: 1, tasks: fact.tasks });
    case "finished":
      return encode({ v: 1, ...wireEnded(fact) });
    case "retired":
      return encode({ v: 1, retired: wireEnded(fact) });
  }
}

export function decodeFact(subject: FactSubject, bytes: Uint8Array): Decoded<Fact> {
  switch (subject.kind) {
    case "submitted":
      return map(decode(submitted, bytes), toSubmitted);
    case "outcomes":
      return decodeOutcomes(subject, bytes);
    case "cancel":
      return map(decode(cancel, bytes), (wire) => toCancel(subject.gen, wire));
    case "retry":
      return map(decode(next, bytes), (wire) => toNext(subject.gen, wire));
    case "finished":
      return map(decode(finished, bytes), ({ state, duration_ms: durationMs }) => ({
        kind: "finished",
        gen: subject.gen,
        state,
        durationMs,
      }));
  }
}

function wireCancel(fact: Cancel): z.input<typeof cancel> {
  const { cause, message } = fact;
  return { v: 1, cause, message, ...(fact.cause === "abort" ? { state: fact.state } : {}) };
}

function toCancel(gen: number, { cause, message, state = "failed" }: z.output<typeof cancel>): Cancel {
  const about = { kind: "cancel", gen, message } as const;
  return cause === "abort" ? { ...about, cause, state } : { ...about, cause };
}

function wireEnded({ state, durationMs }: Finished | Retired): z.input<typeof ended> {
  return { state, duration_ms: durationMs };
}

function toNext(gen: number, { tasks, retired }: z.output<typeof next>): Retry | Retired {
  if (retired === undefined) return { kind: "retry", gen, tasks };
  return { kind: "retired", gen, state: retired.state, durationMs: retired.duration_ms };
}

function wireSubmitted(fact: Submitted): z.input<typeof submitted> {
  return {
    v: 1,
    dag_name: fact.dagName,
    tenant_id: fact.tenantId,
    definition: fact.definition,
    params: fact.params,
    defaults: wireDefaults(fact.defaults),
    semantics: fact.semantics,
    nonce: fact.nonce,
  };
}

function toSubmitted(wire: z.output<typeof submitted>): Submitted {
  return {
    kind: "submitted",
    dagName: wire.dag_name,
    tenantId: wire.tenant_id,
    definition: wire.definition,
    params: wire.params,
    defaults: toDefaults(wire.defaults),
    semantics: wire.semantics,
    nonce: wire.nonce,
  };
}

function wireDefaults(from: RunDefaults): z.input<typeof submitted>["defaults"] {
  const { taskTimeoutMs, lossCap, fanOutLimit } = from;
  return {
    loss_cap: lossCap,
    ...(taskTimeoutMs === undefined ? {} : { task_timeout_s: toSeconds(taskTimeoutMs) }),
    ...(fanOutLimit === undefined ? {} : { fan_out_limit: fanOutLimit }),
  };
}

function toDefaults(wire: z.output<typeof submitted>["defaults"]): RunDefaults {
  const { task_timeout_s: timeout, loss_cap: lossCap, fan_out_limit: fanOutLimit } = wire;
  return {
    lossCap,
    ...(timeout === undefined ? {} : { taskTimeoutMs: toMs(timeout) }),
    ...(fanOutLimit === undefined ? {} : { fanOutLimit }),
  };
}
