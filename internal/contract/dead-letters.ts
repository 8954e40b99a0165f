/**
 * Dead letters on the wire. What a list shows stands in headers; the body is the message that could not be read, as it
 * came, or what is known of a crashed task.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { CrashedLetter, DeadLetter, LetterHead } from "../ports/dead-letters.ts";
import { decodeVersion } from "./catalog.ts";
import { decode, type Decoded, encode, map } from "./codec.ts";
import { decodeFact } from "./facts.ts";
import { count, duration, version } from "./schemas.ts";
import { readFactSubject, readTaskSubject, readVersionSubject } from "./subjects.ts";

const crashed = z.object({
  v: version,
  run_id: z.string(),
  dag_name: z.string(),
  task: z.string(),
  index: count,
  gen: count,
  losses: z.array(
    z.object({
      attempt: count,
      worker: z.string().optional(),
      time: z.number(),
      duration_ms: duration,
      message: z.string(),
    }),
  ),
});

const HEADERS = {
  kind: "Jetdag-Kind",
  subject: "Jetdag-Subject",
  reason: "Jetdag-Reason",
  size: "Jetdag-Size",
  run: "Jetdag-Run",
  task: "Jetdag-Task",
  index: "Jetdag-Index",
  losses: "Jetdag-Losses",
} as const;
const MAX_REASON = 1_000;

export interface LetterMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A message has `room` bytes for its body; of a longer one the beginning is kept. */
export function encodeLetter(letter: DeadLetter, room: number): LetterMessage {
  switch (letter.kind) {
    case "unreadable": {
      const { kind, subject, bytes } = letter;
      const about = { kind, subject, reason: letter.reason.slice(0, MAX_REASON), size: String(bytes.length) };
      return { headers: toHeaders(about), body: bytes.subarray(0, room) };
    }
    case "crashed": {
      const { runId: run, task, index, losses } = letter;
      const reason = losses.at(-1)?.message.slice(0, MAX_REASON) ?? "";
      const numbers = { index: String(index), losses: String(losses.length) };
      return {
        headers: toHeaders({ kind: letter.kind, reason, run, task, ...numbers }),
        body: toBody(letter),
      };
    }
  }
}

/** Headers are lines. */
function toHeaders(values: Partial<Record<keyof typeof HEADERS, string>>): Record<string, string> {
  const all = Object.entries(values) as [keyof typeof HEADERS, string][];
  return Object.fromEntries(all.map(([name, value]) => [HEADERS[name], value.replaceAll(/\p{Cc}+/gu, " ")]));
}

function toBody({ runId, dagName, task, index, gen, losses }: CrashedLetter): Uint8Array {
  return encode({
    v: 1,
    run_id: runId,
    dag_name: dagName,
    task,
    index,
    gen,
    losses: losses.map(({ durationMs, ...loss }) => ({ ...loss, duration_ms: durationMs })),
  });
}

/** Where a letter stands, beside what it says. */
export type LetterPlace = Pick<LetterHead, "id" | "time" | "seq">;

/** `header` is empty for one that is missing; `bodySize` is for letters that do not say how long their message was. */
export function readHead(header: (name: string) => string, place: LetterPlace, bodySize: number): LetterHead {
  const reason = header(HEADERS.reason);
  if (header(HEADERS.kind) === "crashed") {
    return {
      ...place,
      kind: "crashed",
      reason,
      runId: header(HEADERS.run),
      task: header(HEADERS.task),
      index: Number(header(HEADERS.index)),
      losses: Number(header(HEADERS.losses)),
    };
  }
  const subject = header(HEADERS.subject);
  const size = Number(header(HEADERS.size) || bodySize);
  return { ...place, kind: "unreadable", subject, reason, size, ...aboutOf(subject) };
}

function aboutOf(subject: string): Pick<LetterHead & { kind: "unreadable" }, "runId" | "attempt"> {
  const attempt = readTaskSubject(subject);
  if (attempt !== undefined) return { runId: attempt.runId, attempt };
  const fact = readFactSubject(subject);
  return fact === undefined ? {} : { runId: fact.runId };
}

export function readLetter(head: LetterHead, body: Uint8Array): DeadLetter {
  const { reason } = head;
  if (head.kind === "unreadable") return { kind: head.kind, subject: head.subject, reason, bytes: body };
  const read = decodeCrashed(body);
  if ("value" in read) return read.value;
  return { kind: "unreadable", subject: "", reason: `the letter itself: ${read.wrong}`, bytes: body };
}

function decodeCrashed(body: Uint8Array): Decoded<CrashedLetter> {
  return map(decode(crashed, body), (wire) => ({
    kind: "crashed",
    runId: wire.run_id,
    dagName: wire.dag_name,
    task: wire.task,
    index: wire.index,
    gen: wire.gen,
    losses: wire.losses.map(({ attempt, worker, time, duration_ms: durationMs, message }) => ({
      attempt,
      ...(worker === undefined ? {} : { worker }),
      time,
      durationMs,
      message,
    })),
  }));
}

/** Whether this version can read a message that is stored under this subject. */
export function isReadable(subject: string, bytes: Uint8Array): boolean {
  const fact = readFactSubject(subject);
  if (fact !== undefined) return "value" in decodeFact(fact, bytes);
  return readVersionSubject(subject) !== undefined && "value" in decodeVersion(bytes);
}

const ID_DIGITS = 16;

/** A message that is met again, at every replay of a log, is the same letter; and so is a crash that is told again. */
export function letterId(letter: DeadLetter): string {
  switch (letter.kind) {
    case "unreadable":
      return messageId(letter.subject, letter.bytes);
    case "crashed":
      return hashed(`crashed.${letter.runId}.${letter.task}.${letter.index}.${letter.gen}`);
  }
}

export function messageId(subject: string, bytes: Uint8Array): string {
  return hashed(subject, bytes);
}

function hashed(text: string, bytes: Uint8Array = new Uint8Array()): string {
  return createHash("sha256").update(text).update(bytes).digest("hex").slice(0, ID_DIGITS);
}
