/** Messages that could not be read, with their bytes as they came; what is wrong with them stands in headers. */
import { createHash } from "node:crypto";
import { headers } from "@nats-io/transport-node";
import type { DeadLetter, DeadLetters } from "../ports/dead-letters.ts";
import type { Context } from "./context.ts";
import { readStream } from "./follower.ts";
import { patiently } from "./patience.ts";

const SUBJECT = "Jetdag-Subject";
const REASON = "Jetdag-Reason";
const MAX_REASON = 1_000;
/** What headers and subject may take beside the bytes. */
const HEADER_ROOM = 4_096;
/** How far back the newest letters are looked for first, as a multiple of their number. */
const SPREAD = 4;

export class NatsDeadLetters implements DeadLetters {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async put({ subject, reason, bytes }: DeadLetter): Promise<void> {
    const { nc, names, publisher } = this.#context;
    const room = (nc.info?.max_payload ?? bytes.length + HEADER_ROOM) - HEADER_ROOM;
    const cut = bytes.length > room ? ` (the first ${room} of ${bytes.length} bytes)` : "";
    const about = headers();
    about.set(SUBJECT, oneLine(subject));
    about.set(REASON, oneLine(`${reason.slice(0, MAX_REASON)}${cut}`));
    // A message that is met again (at every replay of a log) is the same letter.
    const id = createHash("sha256").update(subject).update(bytes).digest("hex").slice(0, 32);
    await publisher.publish(names.dead(id), bytes.subarray(0, room), about);
  }

  async list(limit: number): Promise<DeadLetter[]> {
    const { jsm, names } = this.#context;
    const { state } = await patiently(() => jsm.streams.info(names.deadStream));
    // A letter that was met again has left a gap at its former place, so the newest ones may reach far back.
    const near = Math.max(state.first_seq, state.last_seq - SPREAD * limit);
    const newest = await this.#from(near);
    const letters = newest.length < limit && near > state.first_seq ? await this.#from(1) : newest;
    return letters.toReversed().slice(0, limit);
  }

  async #from(from: number): Promise<DeadLetter[]> {
    const { deadStream: stream, allDead: filter } = this.#context.names;
    const letters: DeadLetter[] = [];
    await readStream({
      context: this.#context,
      stream,
      filter,
      from,
      onMessage: ({ headers, data }) => {
        const [subject, reason] = [headers?.get(SUBJECT) ?? "", headers?.get(REASON) ?? ""];
        // A copy, and no Buffer, whose `slice` is none.
        letters.push({ subject, reason, bytes: new Uint8Array(data) });
      },
    });
    return letters;
  }
}

/** Headers are lines. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ");
}
