/** Questions about copies of attempts, by request and reply on core subjects. */
import {
  decodeQuestion,
  decodeRulings,
  encodeQuestion,
  encodeRulings,
} from "../../../internal/contract/referee.ts";
import type { Subscription } from "../../../internal/ports/presence.ts";
import type { Question, Referee, Ruling } from "../../../internal/ports/referee.ts";
import type { Client } from "./client.ts";
import { askCore, subscribe } from "./core.ts";

const NO_ANSWER = new Uint8Array();

export class SimReferee implements Referee {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  serve(share: number, rule: (question: Question) => Promise<readonly Ruling[]>): Promise<Subscription> {
    const { link, server } = this.#client;
    return subscribe(this.#client, server.names.referee(share), (bytes, reply) => {
      const decoded = decodeQuestion(bytes);
      if ("wrong" in decoded) return;
      const answer = (rulings: Uint8Array): void => link.toServer("a ruling", () => reply(rulings));
      rule(decoded.value).then(
        (rulings) => answer(encodeRulings(rulings)),
        () => answer(NO_ANSWER),
      );
    });
  }

  async ask(share: number, question: Question, timeoutMs: number): Promise<readonly Ruling[] | undefined> {
    const subject = this.#client.server.names.referee(share);
    const answer = await askCore(this.#client, { subject, bytes: encodeQuestion(question), timeoutMs });
    if (answer.kind !== "answered" || answer.bytes.length === 0) return undefined;
    const decoded = decodeRulings(answer.bytes);
    return "value" in decoded ? decoded.value : undefined;
  }
}
