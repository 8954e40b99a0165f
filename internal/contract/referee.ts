/** Questions about copies of attempts, and the answers. */
import { z } from "zod";
import type { Question, Ruling } from "../ports/referee.ts";
import { decode, type Decoded, encode, map } from "./codec.ts";
import { count, version } from "./schemas.ts";

const question = z.object({
  v: version,
  incarnation: z.string(),
  attempts: z.array(
    z.object({ run_id: z.string(), task: z.string(), index: count, attempt: count, run_seq: count }),
  ),
});

const rulings = z.object({ v: version, rulings: z.array(z.enum(["run", "held", "over"])) });

export function encodeQuestion({ incarnation, attempts }: Question): Uint8Array {
  return encode({
    v: 1,
    incarnation,
    attempts: attempts.map(({ runId, task, index, attempt, runSeq }) => ({
      run_id: runId,
      task,
      index,
      attempt,
      run_seq: runSeq,
    })),
  });
}

export function decodeQuestion(bytes: Uint8Array): Decoded<Question> {
  return map(decode(question, bytes), ({ incarnation, attempts }) => ({
    incarnation,
    attempts: attempts.map(({ run_id: runId, run_seq: runSeq, ...rest }) => ({ ...rest, runId, runSeq })),
  }));
}

export function encodeRulings(value: readonly Ruling[]): Uint8Array {
  return encode({ v: 1, rulings: value });
}

export function decodeRulings(bytes: Uint8Array): Decoded<readonly Ruling[]> {
  return map(decode(rulings, bytes), (wire) => wire.rulings);
}
