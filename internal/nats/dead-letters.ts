/** Dead letters on a stream, one message each; the promises are in ports/dead-letters.ts. */
import { headers as newHeaders } from "@nats-io/transport-node";
import { encodeLetter, letterId, readHead, readLetter } from "../contract/dead-letters.ts";
import type { DeadLetter, DeadLetters, LetterHead, StoredLetter } from "../ports/dead-letters.ts";
import { CODES, isApiError } from "./answers.ts";
import type { Context } from "./context.ts";
import { readStream } from "./follower.ts";
import { patiently } from "./patience.ts";
import { getFromLeader, type StreamMessage } from "./stored-message.ts";

/** What headers and subject may take beside the bytes. */
const HEADER_ROOM = 4_096;
/** How far back the newest letters are looked for first, as a multiple of their number. */
const SPREAD = 4;
/** The server tells so how long the body is where it was asked for headers alone. */
const SIZE = "Nats-Msg-Size";

export class NatsDeadLetters implements DeadLetters {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async put(letter: DeadLetter): Promise<void> {
    const { nc, names, publisher } = this.#context;
    const room = (nc.info?.max_payload ?? Number.POSITIVE_INFINITY) - HEADER_ROOM;
    const { headers, body } = encodeLetter(letter, room);
    const about = newHeaders();
    for (const [name, value] of Object.entries(headers)) about.set(name, value);
    await publisher.publish(names.dead(letterId(letter)), body, { headers: about });
  }

  async list(limit: number, isMeant?: (head: LetterHead) => boolean): Promise<LetterHead[]> {
    const { jsm, names } = this.#context;
    const { state } = await patiently(() => jsm.streams.info(names.deadStream));
    if (isMeant !== undefined) return newest((await this.#from(1)).filter(isMeant), limit);
    // A letter that was met again has left a gap at its former place, so the newest ones may reach far back.
    const near = Math.max(state.first_seq, state.last_seq - SPREAD * limit);
    const heads = await this.#from(near);
    return newest(heads.length < limit && near > state.first_seq ? await this.#from(1) : heads, limit);
  }

  async get(id: string): Promise<StoredLetter | undefined> {
    const { jsm, names } = this.#context;
    // From the leader: a letter that was put a moment ago is there.
    const message = await getFromLeader(jsm, names.deadStream, { last_by_subj: names.dead(id) });
    if (message === undefined) return undefined;
    const head = toHead(message);
    // A copy, and no Buffer, whose `slice` is none.
    return { head, letter: readLetter(head, new Uint8Array(message.data)) };
  }

  async remove({ seq }: LetterHead): Promise<boolean> {
    const { jsm, names } = this.#context;
    try {
      return await patiently(() => jsm.streams.deleteMessage(names.deadStream, seq, false));
    } catch (error) {
      if (isApiError(error, CODES.nothingToDelete)) return false;
      throw error;
    }
  }

  /** Without the bodies: those of all letters together may be many megabytes. */
  async #from(from: number): Promise<LetterHead[]> {
    const { deadStream: stream, allDead: filter } = this.#context.names;
    const heads: LetterHead[] = [];
    const onMessage = (message: StreamMessage): void => void heads.push(toHead(message));
    await readStream({ context: this.#context, stream, filter, from, headersOnly: true, onMessage });
    return heads;
  }
}

function newest(heads: readonly LetterHead[], limit: number): LetterHead[] {
  return heads.toReversed().slice(0, limit);
}

function toHead({ subject, seq, time, headers, data }: StreamMessage): LetterHead {
  const id = subject.slice(subject.lastIndexOf(".") + 1);
  const header = (name: string): string => headers?.get(name) ?? "";
  return readHead(header, { id, seq, time }, Number(header(SIZE) || data.length));
}
