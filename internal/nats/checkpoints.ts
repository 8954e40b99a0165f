/** Checkpoints on a stream that keeps the newest of each share. */
import { decodeCheckpoint, encodeCheckpoint } from "../contract/checkpoints.ts";
import type { Checkpoint, Checkpoints } from "../ports/checkpoints.ts";
import type { Context } from "./context.ts";
import { getFromLeader } from "./stored-message.ts";

export class NatsCheckpoints implements Checkpoints {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async get(share: number): Promise<Checkpoint | undefined> {
    const { jsm, names } = this.#context;
    const found = await getFromLeader(jsm, names.checkpointsStream, {
      last_by_subj: names.checkpoint(share),
    });
    if (found === undefined) return undefined;
    const decoded = decodeCheckpoint(found.data);
    if ("value" in decoded) return decoded.value;
    void this.#context.putAside(found.subject, decoded.wrong, found.data);
    return undefined;
  }

  async put(share: number, checkpoint: Checkpoint): Promise<void> {
    const { publisher, names } = this.#context;
    await publisher.publish(names.checkpoint(share), encodeCheckpoint(checkpoint));
  }
}
