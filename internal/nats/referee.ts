/** Questions about copies of attempts, by request and reply on core NATS. */
import type { Msg } from "@nats-io/transport-node";
import { decodeQuestion, decodeRulings, encodeQuestion, encodeRulings } from "../contract/referee.ts";
import type { Subscription } from "../ports/presence.ts";
import type { Question, Referee, Ruling } from "../ports/referee.ts";
import { ask } from "./ask.ts";
import { type Context, guarded } from "./context.ts";

/** Who was asked may be frozen: whoever has taken over since is asked too. */
const REPEAT_MS = 1_000;
const NOTHING = new Uint8Array();

type Rule = (question: Question) => Promise<readonly Ruling[]>;

export class NatsReferee implements Referee {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async serve(share: number, rule: Rule): Promise<Subscription> {
    const { nc, names, onTrouble } = this.#context;
    const subscription = nc.subscribe(
      names.referee(share),
      guarded(onTrouble, "answering about attempts", (message) => void this.#answer(message, rule)),
    );
    await nc.flush().catch(() => undefined);
    return { stop: async () => subscription.unsubscribe() };
  }

  async ask(share: number, question: Question, timeoutMs: number): Promise<readonly Ruling[] | undefined> {
    const { names, onTrouble } = this.#context;
    const subject = names.referee(share);
    let data: Uint8Array = NOTHING;
    await ask(
      this.#context,
      { subject, bytes: encodeQuestion(question), timeoutMs, repeatMs: REPEAT_MS },
      (answer) => {
        data = answer;
        return true;
      },
    );
    // Nobody is there, or has no answer in time.
    if (data.length === 0) return undefined;
    const decoded = decodeRulings(data);
    const wrong = "wrong" in decoded ? decoded.wrong : missing(decoded.value, question);
    if (wrong !== undefined) onTrouble(`the executor's answer about attempts cannot be used: ${wrong}`);
    return "value" in decoded && wrong === undefined ? decoded.value : undefined;
  }

  /** An empty answer says that there is none: who asks need not wait. */
  async #answer(message: Msg, rule: Rule): Promise<void> {
    const { onTrouble, putAside } = this.#context;
    const decoded = decodeQuestion(message.data);
    if ("wrong" in decoded) {
      void putAside(message.subject, decoded.wrong, message.data);
      message.respond();
      return;
    }
    try {
      message.respond(encodeRulings(await rule(decoded.value)));
    } catch (error) {
      onTrouble(`a question about attempts has no answer: ${String(error)}`);
      message.respond();
    }
  }
}

function missing(rulings: readonly Ruling[], { attempts }: Question): string | undefined {
  if (rulings.length === attempts.length) return undefined;
  return `${rulings.length} answers to ${attempts.length} questions`;
}
