/**
 * Removes single messages of a stream, by position: a purge by a subject with wildcards holds up everybody who
 * publishes into a large stream, for a tenth of a second each time.
 */
import type { JetStreamManager } from "@nats-io/jetstream";
import { CODES, isApiError } from "./answers.ts";
import type { Context } from "./context.ts";
import { type FollowStreamOptions, readStream } from "./follower.ts";
import { patiently } from "./patience.ts";

const AT_A_TIME = 64;

/** Where the messages of some subjects stand, in order. */
export async function positionsIn(
  context: Context,
  where: Pick<FollowStreamOptions, "stream" | "filter">,
): Promise<number[]> {
  const seqs: number[] = [];
  const onMessage = ({ seq }: { readonly seq: number }): void => void seqs.push(seq);
  await readStream({ ...where, context, from: 1, headersOnly: true, onMessage });
  return seqs;
}

/** In the order given, some at a time. What is gone already is no error. */
export async function removeAll(
  jsm: JetStreamManager,
  stream: string,
  seqs: readonly number[],
): Promise<void> {
  for (let from = 0; from < seqs.length; from += AT_A_TIME) {
    await Promise.all(seqs.slice(from, from + AT_A_TIME).map((seq) => removeOne(jsm, stream, seq)));
  }
}

async function removeOne(jsm: JetStreamManager, stream: string, seq: number): Promise<void> {
  try {
    // Overwriting the bytes as well would be of no use, and slow.
    await patiently(() => jsm.streams.deleteMessage(stream, seq, false));
  } catch (error) {
    if (!isApiError(error, CODES.nothingToDelete)) throw error;
  }
}
