/** Batches of attempts' logs on the wire; the subject says whose they are. */
import { z } from "zod";
import type { LogBatch } from "../core/attempt-log.ts";
import { decode, type Decoded, encode, map } from "./codec.ts";
import { count, version } from "./schemas.ts";
import type { LogPlace } from "./subjects.ts";

const batch = z.object({
  v: version,
  run_seq: count,
  worker: z.string(),
  from: count,
  bytes: count,
  tail: z.literal(true).optional(),
  pieces: z.array(
    z.object({
      time: z.number(),
      stream: z.enum(["stdout", "stderr", "log"]),
      /** Lines with their ends; the last may lack it, and goes on in a later piece of the stream. */
      text: z.string(),
    }),
  ),
});

export function encodeLog({ attempt, worker, from, bytes, isTail, pieces }: LogBatch): Uint8Array {
  const tail = isTail ? true : undefined;
  return encode({ v: 1, run_seq: attempt.runSeq, worker, from, bytes, tail, pieces });
}

export function decodeLog({ attempt, writer, slot }: LogPlace, body: Uint8Array): Decoded<LogBatch> {
  return map(decode(batch, body), ({ run_seq: runSeq, worker, from, bytes, tail, pieces }) => ({
    attempt: { ...attempt, runSeq },
    writer,
    slot,
    worker,
    from,
    bytes,
    isTail: tail === true,
    pieces,
  }));
}
