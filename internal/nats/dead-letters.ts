/** Messages that could not be read, with their bytes as they came. */
import { createHash } from "node:crypto";
import type { JetStreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import type { Names } from "../contract/subjects.ts";
import type { DeadLetter, DeadLetters } from "../ports/dead-letters.ts";
import { CODES, isApiError } from "./answers.ts";

const SUBJECT = "Jetdag-Subject";
const REASON = "Jetdag-Reason";
const MAX_REASON = 1_000;

export interface NatsDeadLettersOptions {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly names: Names;
}

export class NatsDeadLetters implements DeadLetters {
  readonly #options: NatsDeadLettersOptions;

  constructor(options: NatsDeadLettersOptions) {
    this.#options = options;
  }

  async put({ subject, reason, bytes }: DeadLetter): Promise<void> {
    const { nc, names } = this.#options;
    const about = headers();
    about.set(SUBJECT, oneLine(subject));
    about.set(REASON, oneLine(reason).slice(0, MAX_REASON));
    // A message that is met again (at every replay of a log) is the same letter.
    const id = createHash("sha256").update(subject).update(bytes).digest("hex").slice(0, 32);
    await nc.request(names.dead(id), bytes, { headers: about, timeout: 5_000 });
  }

  async list(limit: number): Promise<DeadLetter[]> {
    const { jsm, names } = this.#options;
    const { state } = await jsm.streams.info(names.deadStream);
    const letters: DeadLetter[] = [];
    for (let seq = state.last_seq; seq >= state.first_seq && seq > 0 && letters.length < limit; seq--) {
      const message = await jsm.streams.getMessage(names.deadStream, { seq }).catch((error: unknown) => {
        if (isApiError(error, CODES.messageNotFound)) return null;
        throw error;
      });
      if (message === null) continue;
      const { header, data } = message;
      letters.push({ subject: header.get(SUBJECT), reason: header.get(REASON), bytes: data });
    }
    return letters;
  }
}

/** Headers are lines. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7E]+/g, " ");
}
