/** The messages that letters are about, in the streams they came from. */
import { isReadable, messageId } from "../contract/dead-letters.ts";
import type { LetterHead, Originals, SentAgain, StoredLetter } from "../ports/dead-letters.ts";
import { CODES, isApiError } from "./answers.ts";
import type { Context } from "./context.ts";
import { patiently } from "./patience.ts";
import { getFromLeader, type StreamMessage } from "./stored-message.ts";

export class NatsOriginals implements Originals {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * A log still holds what its readers could not read, and whoever can read it now reads it there: a second copy at the
   * end would be another fact.
   */
  async sendAgain({ head, letter }: StoredLetter): Promise<SentAgain> {
    if (letter.kind !== "unreadable" || head.kind !== "unreadable") return "out-of-date";
    const { names, publisher, jsm } = this.#context;
    const { subject, bytes } = letter;
    const stream = this.#streamOf(subject);
    if (stream === undefined) return "out-of-date";
    const held = await getFromLeader(jsm, stream, { last_by_subj: subject });
    if (held !== undefined) return stream === names.tasksStream ? "queued" : ofLog(held);
    if (bytes.length < head.size) return "cut";
    const answer = await publisher.publish(subject, bytes);
    return answer.stored ? "sent" : "queued";
  }

  async remove(head: LetterHead): Promise<void> {
    if (head.kind !== "unreadable") return;
    const { jsm } = this.#context;
    const { subject, id } = head;
    const stream = this.#streamOf(subject);
    if (stream === undefined) return;
    const held = await getFromLeader(jsm, stream, { last_by_subj: subject });
    // Another message may have taken its place.
    if (held === undefined || messageId(subject, held.data) !== id || isReadable(subject, held.data)) return;
    try {
      await patiently(() => jsm.streams.deleteMessage(stream, held.seq, false));
    } catch (error) {
      if (!isApiError(error, CODES.nothingToDelete)) throw error;
    }
  }

  /** Of what somebody waits for: values and records are found out about where they are asked for. */
  #streamOf(subject: string): string | undefined {
    const { names } = this.#context;
    const stream = names.streamOf(subject) ?? "";
    return [names.runsStream, names.tasksStream, names.dagsStream].includes(stream) ? stream : undefined;
  }
}

function ofLog({ subject, data }: StreamMessage): SentAgain {
  return isReadable(subject, data) ? "readable" : "held";
}
