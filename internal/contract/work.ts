/** Queued attempts on the wire. */
import { z } from "zod";
import type { Inputs, Work } from "../core/attempt.ts";
import type { Bindings } from "../core/bindings.ts";
import type { EdgeFilters } from "../core/edge-filter.ts";
import { NO_ENV, NO_OPTIONS } from "../core/model.ts";
import { artifact } from "./artifacts.ts";
import { decode, type Decoded, encode } from "./codec.ts";
import { count, jsonObject, stored, toMs, toSeconds, version } from "./schemas.ts";

const inputs = z.object({
  run: stored(jsonObject),
  own: jsonObject,
  upstream: z.array(z.tuple([z.string(), stored(jsonObject)])),
  artifacts: z.object({ single: z.literal(true).optional(), items: z.array(artifact) }).optional(),
}) as unknown as z.ZodType<Inputs>;

/** Checked where the definition was. */
const bindings = jsonObject as unknown as z.ZodType<Bindings>;
const edgeFilters = jsonObject as unknown as z.ZodType<EdgeFilters>;

const work = z.object({
  v: version,
  run_id: z.string(),
  task: z.string(),
  index: count,
  attempt: z.int().positive(),
  run_seq: count,
  gen: count.optional(),
  partition: count,
  dag_name: z.string(),
  tenant_id: z.string(),
  queue: z.string(),
  type: z.string(),
  command: z.string(),
  options: jsonObject.optional(),
  env: z.record(z.string(), z.string()).optional(),
  outputs: z.array(z.string()).optional(),
  bindings: bindings.optional(),
  has_expressions: z.literal(true).optional(),
  edge_filters: edgeFilters.optional(),
  timeout_s: z.number().positive().optional(),
  inputs: stored(inputs),
  may_be_held: z.literal(true).optional(),
  trusted_until: z.number().optional(),
});

export function encodeWork(value: Work): Uint8Array {
  return encode({
    v: 1,
    run_id: value.runId,
    task: value.task,
    index: value.index,
    attempt: value.attempt,
    run_seq: value.runSeq,
    gen: value.gen,
    partition: value.partition,
    dag_name: value.dagName,
    tenant_id: value.tenantId,
    queue: value.queue,
    type: value.type,
    command: value.command,
    options: value.options === NO_OPTIONS ? undefined : value.options,
    env: value.env === NO_ENV ? undefined : value.env,
    outputs: value.outputs,
    bindings: value.bindings,
    has_expressions: value.hasExpressions,
    edge_filters: value.edgeFilters,
    timeout_s: value.timeoutMs === undefined ? undefined : toSeconds(value.timeoutMs),
    inputs: value.inputs,
    may_be_held: value.mayBeHeld,
    trusted_until: value.trustedUntil,
  });
}

export function decodeWork(bytes: Uint8Array): Decoded<Work> {
  const decoded = decode(work, bytes);
  if ("wrong" in decoded) return decoded;
  const wire = decoded.value;
  return {
    value: {
      runId: wire.run_id,
      task: wire.task,
      index: wire.index,
      attempt: wire.attempt,
      runSeq: wire.run_seq,
      ...(wire.gen === undefined ? {} : { gen: wire.gen }),
      partition: wire.partition,
      dagName: wire.dag_name,
      tenantId: wire.tenant_id,
      queue: wire.queue,
      type: wire.type,
      command: wire.command,
      options: wire.options ?? NO_OPTIONS,
      env: wire.env ?? NO_ENV,
      ...(wire.outputs === undefined ? {} : { outputs: wire.outputs }),
      ...(wire.bindings === undefined ? {} : { bindings: wire.bindings }),
      ...(wire.has_expressions === undefined ? {} : { hasExpressions: true }),
      ...(wire.edge_filters === undefined ? {} : { edgeFilters: wire.edge_filters }),
      ...(wire.timeout_s === undefined ? {} : { timeoutMs: toMs(wire.timeout_s) }),
      inputs: wire.inputs,
      ...(wire.may_be_held === undefined ? {} : { mayBeHeld: true }),
      ...(wire.trusted_until === undefined ? {} : { trustedUntil: wire.trusted_until }),
    },
  };
}
