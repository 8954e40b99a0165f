/**
 * Outcomes on the wire.
 *
 * An outcome of the wrong shape is a failure of its attempt (`invalid-outcome`), as long as it says which
 * attempt it is; a message with an outcome that does not say so cannot be read.
 */
import { z } from "zod";
import { toProduced, toRecord } from "../core/artifact-record.ts";
import type { ArtifactPiece, Handed } from "../core/artifact.ts";
import type { Outcomes } from "../core/facts.ts";
import type { JsonObject } from "../core/json.ts";
import { FAILURES, type FailureReason, type Outcome, type TaskError } from "../core/outcome.ts";
import type { Stored } from "../core/stored.ts";
import { artifact } from "./artifacts.ts";
import { check, type Decoded, encode, explain, map, parse } from "./codec.ts";
import { count, duration, jsonObject, stored, version } from "./schemas.ts";
import type { FactSubject } from "./subjects.ts";

const identity = z.object({ task: z.string(), index: count, attempt: count });

const reasons = Object.keys(FAILURES) as [FailureReason, ...FailureReason[]];
const error = z.object({
  reason: z.enum(reasons),
  message: z.string(),
  exit_code: z.int().optional(),
  signal: z.string().optional(),
  is_final: z.literal(true).optional(),
  again_after_ms: duration.optional(),
  give_up_after_ms: duration.optional(),
});
const handed = z.union([
  z.object({ inline: z.array(artifact) }),
  z.object({ set: z.string(), pieces: count }),
]);
const piece = identity.extend({ set: z.string(), piece: count, artifacts: z.array(artifact) });

const item = identity.extend({
  state: z.enum(["completed", "skipped", "failed"]),
  worker: z.string().optional(),
  duration_ms: duration,
  output: stored(jsonObject).optional(),
  artifacts: handed.optional(),
  message: z.string().optional(),
  error: error.optional(),
});
type WireItem = z.output<typeof item>;

/** All outcomes are as they should be: checked in one go, since this is by far the most frequent message. */
const sound = z.object({
  v: version,
  run_seq: count,
  items: z.array(item),
  pieces: z.array(piece).optional(),
});
/** The message as such can be read; each outcome is looked at by itself. */
const readable = sound.extend({ items: z.array(z.unknown()) });

export function encodeOutcomes({ runSeq, items, pieces }: Outcomes): Uint8Array {
  return encode({ v: 1, run_seq: runSeq, items: items.map(wireItem), pieces: pieces?.map(wirePiece) });
}

function wirePiece({
  task,
  index,
  attempt,
  set,
  piece: n,
  artifacts,
}: ArtifactPiece): z.output<typeof piece> {
  return { task, index, attempt, set, piece: n, artifacts: artifacts.map(toRecord) };
}

function wireItem(outcome: Outcome): WireItem {
  const { task, index, attempt, state, worker, durationMs, output } = outcome;
  const base = { task, index, attempt, state, worker, duration_ms: durationMs, output };
  switch (outcome.state) {
    case "completed":
      return outcome.artifacts === undefined ? base : { ...base, artifacts: wireHanded(outcome.artifacts) };
    case "skipped":
      return { ...base, message: outcome.message };
    case "failed":
      return { ...base, error: wireError(outcome.error) };
  }
}

function wireHanded(from: Handed): z.output<typeof handed> {
  return "inline" in from ? { inline: from.inline.map(toRecord) } : from;
}

function wireError(error: TaskError): WireItem["error"] {
  return {
    reason: error.reason,
    message: error.message,
    exit_code: error.exitCode,
    signal: error.signal,
    is_final: error.isFinal,
    again_after_ms: error.againAfterMs,
    give_up_after_ms: error.giveUpAfterMs,
  };
}

export function decodeOutcomes(
  { queue, incarnation, n }: FactSubject & { kind: "outcomes" },
  bytes: Uint8Array,
): Decoded<Outcomes> {
  const json = parse(bytes);
  return map("wrong" in json ? json : readMessage(json.value), (read) => ({
    kind: "outcomes",
    ...read,
    queue,
    incarnation,
    n,
  }));
}

function readMessage(message: unknown): Decoded<Pick<Outcomes, "runSeq" | "items" | "pieces">> {
  const all = sound.safeParse(message);
  if (all.success && all.data.items.every(isWhole)) {
    return { value: { ...readHead(all.data), items: all.data.items.map(toOutcome) } };
  }
  const each = check(readable, message);
  if ("wrong" in each) return each;
  const items: Outcome[] = [];
  for (const raw of each.value.items) {
    const read = readItem(raw);
    if ("wrong" in read) return read;
    items.push(read.value);
  }
  return { value: { ...readHead(each.value), items } };
}

function readHead({
  run_seq: runSeq,
  pieces,
}: Pick<z.output<typeof sound>, "run_seq" | "pieces">): Pick<Outcomes, "runSeq" | "pieces"> {
  if (pieces === undefined) return { runSeq };
  return {
    runSeq,
    pieces: pieces.map((each) => ({ ...each, artifacts: each.artifacts.map(toProduced) })),
  };
}

/** A failure says why. */
function isWhole({ state, error }: WireItem): boolean {
  return state !== "failed" || error !== undefined;
}

function readItem(raw: unknown): Decoded<Outcome> {
  const parsed = item.safeParse(raw);
  if (parsed.success && isWhole(parsed.data)) return { value: toOutcome(parsed.data) };
  const wrong = parsed.success ? "error: is missing" : explain(parsed.error);
  const whose = identity.safeParse(raw);
  if (!whose.success) return { wrong: `an outcome does not say of what: ${wrong}` };
  const invalid = { reason: "invalid-outcome", message: `the outcome cannot be read: ${wrong}` } as const;
  return { value: { ...whose.data, state: "failed", durationMs: 0, error: invalid } };
}

/** What is absent on the wire is absent here. */
function toOutcome(wire: WireItem): Outcome {
  const { task, index, attempt } = wire;
  const base: {
    task: string;
    index: number;
    attempt: number;
    durationMs: number;
    worker?: string;
    output?: Stored<JsonObject>;
  } = { task, index, attempt, durationMs: wire.duration_ms };
  if (wire.worker !== undefined) base.worker = wire.worker;
  if (wire.output !== undefined) base.output = wire.output;
  if (wire.state === "skipped") return { ...base, state: "skipped", message: wire.message ?? "" };
  if (wire.state === "completed" || wire.error === undefined) {
    if (wire.artifacts === undefined) return { ...base, state: "completed" };
    return { ...base, state: "completed", artifacts: toHanded(wire.artifacts) };
  }
  return { ...base, state: "failed", error: toError(wire.error) };
}

function toHanded(wire: z.output<typeof handed>): Handed {
  return "inline" in wire ? { inline: wire.inline.map(toProduced) } : wire;
}

function toError(wire: z.output<typeof error>): TaskError {
  return {
    reason: wire.reason,
    message: wire.message,
    ...(wire.exit_code === undefined ? {} : { exitCode: wire.exit_code }),
    ...(wire.signal === undefined ? {} : { signal: wire.signal }),
    ...(wire.is_final === undefined ? {} : { isFinal: wire.is_final }),
    ...(wire.again_after_ms === undefined ? {} : { againAfterMs: wire.again_after_ms }),
    ...(wire.give_up_after_ms === undefined ? {} : { giveUpAfterMs: wire.give_up_after_ms }),
  };
}
