/** Puts the output of an attempt where its outcome can have it: inline, or apart from it. */
import type { Work } from "../core/attempt.ts";
import { MAX_INLINE_OUTPUT_BYTES } from "../core/facts.ts";
import type { JsonObject } from "../core/json.ts";
import type { Mask } from "../core/mask.ts";
import type { TaskError } from "../core/outcome.ts";
import { isDeeperThan, MAX_DEPTH } from "../core/size.ts";
import { decodeValue, encodeValue, type Stored } from "../core/stored.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Random } from "../ports/clock.ts";
import { textOf, workerError } from "./worker-error.ts";

export interface OutputOptions {
  readonly blobs: Blobs;
  readonly random: Random;
  /** An output above this many bytes of JSON goes by reference; one above 192 KiB always. */
  readonly inlineLimit: number;
}

type Kept = { readonly output?: Stored<JsonObject> } | { readonly wrong: TaskError };

/** Written as JSON once, here, so that neither its size nor its shape can surprise who stores the outcome. */
export async function keepOutput(
  work: Work,
  { output, mask }: { readonly output: JsonObject | undefined; readonly mask: Mask | undefined },
  { blobs, random, inlineLimit }: OutputOptions,
): Promise<Kept> {
  if (output === undefined) return {};
  const written = mask === undefined ? write(output) : writeMasked(output, mask);
  if ("wrong" in written) return { wrong: { reason: "output-not-serialisable", message: written.wrong } };
  const { bytes, value } = written;
  if (bytes.length <= Math.min(inlineLimit, MAX_INLINE_OUTPUT_BYTES)) return { output: { inline: value } };
  // Who runs the same attempt once more has other bytes, and a name keeps the first bytes it was given.
  const name = `out-${work.task}-${work.index}-${work.attempt}-${random.id()}`;
  try {
    return { output: { ref: await blobs.put({ runId: work.runId }, name, bytes) } };
  } catch (error) {
    return { wrong: workerError(error, "the output could not be stored: ") };
  }
}

const TOO_DEEP = `the output has objects or lists within each other more than ${MAX_DEPTH} levels deep`;

type Written = { readonly value: JsonObject; readonly bytes: Uint8Array } | { readonly wrong: string };

/** What is masked is what JSON makes of the output, which an object may have a say in. */
function writeMasked(output: JsonObject, mask: Mask): Written {
  const written = write(output);
  if ("wrong" in written) return written;
  return write(mask.json(decodeValue(written.bytes) as JsonObject) as JsonObject);
}

/** The output as JSON, or why it cannot be written so. */
function write(output: JsonObject): Written {
  try {
    if (isDeeperThan(output, MAX_DEPTH)) return { wrong: TOO_DEEP };
    return { value: output, bytes: encodeValue(output) };
  } catch (error) {
    return { wrong: `the output cannot be written as JSON: ${textOf(error)}` };
  }
}
