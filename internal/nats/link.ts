import type { NatsConnection } from "@nats-io/transport-node";
import type { Link } from "../ports/link.ts";

/** Whether the connection stands, as its own reports tell. */
export class NatsLink implements Link {
  readonly #nc: Pick<NatsConnection, "isClosed">;
  readonly #acts = new Set<() => void>();
  #isUp = true;

  constructor(nc: Pick<NatsConnection, "isClosed">) {
    this.#nc = nc;
  }

  isUp(): boolean {
    return this.#isUp && !this.#nc.isClosed();
  }

  onRestored(act: () => void): { cancel(): void } {
    // An own function: the same one may be given twice.
    const own = (): void => act();
    this.#acts.add(own);
    return { cancel: () => void this.#acts.delete(own) };
  }

  lost(): void {
    this.#isUp = false;
  }

  restored(): void {
    this.#isUp = true;
    for (const act of this.#acts) act();
  }
}
