/** Dead letters over the simulated server: all that services do is put them. */
import { encodeLetter, letterId } from "../../../internal/contract/dead-letters.ts";
import type { DeadLetter, DeadLetters } from "../../../internal/ports/dead-letters.ts";
import type { Client } from "./client.ts";

export class SimDeadLetters implements Pick<DeadLetters, "put"> {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async put(letter: DeadLetter): Promise<void> {
    const { server } = this.#client;
    const { body } = encodeLetter(letter, Number.POSITIVE_INFINITY);
    await this.#client.publish(server.letters, { subject: server.names.dead(letterId(letter)), value: body });
  }
}
