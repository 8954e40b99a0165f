/**
 * Remembers how far back in the log the runs of a share reach that go on, so that whoever takes it over next replays no
 * more than that. Whether a checkpoint is of the log that is there now is seen while that is replayed: one that does not
 * hold the newest fact that the checkpoint was made of was put back to an older state, or made anew.
 */
import type { LoggedFact } from "../core/facts.ts";
import type { Checkpoint } from "../ports/checkpoints.ts";
import type { Timer } from "../ports/clock.ts";
import type { Ports } from "./settings.ts";

const EVERY_MS = 3_000;
/** Of a log that is replayed whole nothing is expected. */
const WHOLE: Checkpoint = { from: 1, anchor: { seq: 0, time: 0 } };

export interface CheckpointerOptions extends Pick<Ports, "checkpoints" | "clock" | "observer"> {
  readonly share: number;
  mayAct(): boolean;
  /** Where the oldest run began, or was retried, that goes on or is not announced; `undefined` when there is none. */
  oldest(): number | undefined;
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #loaded = WHOLE;
  #isMet = true;
  /** The newest fact that was folded. */
  #newest = WHOLE.anchor;
  #stored = WHOLE.anchor;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
  }

  /** Resolves with the position from which on a log that ends at `end` is to be replayed. */
  async load(end: number): Promise<number> {
    const { checkpoints, share } = this.#options;
    this.#loaded = (await checkpoints.get(share)) ?? WHOLE;
    const { from, anchor } = this.#loaded;
    this.#isMet = anchor.seq === 0;
    return anchor.seq <= end ? from : 1;
  }

  /** A fact of the share is folded, the next in the order of the log. */
  saw({ seq, time }: LoggedFact): void {
    const { anchor } = this.#loaded;
    if (seq === anchor.seq) this.#isMet = time === anchor.time;
    this.#newest = { seq, time };
  }

  /** The replay has reached the end: it has met what the checkpoint was made of, so nothing was left out. */
  get isSound(): boolean {
    return this.#isMet;
  }

  /** The log is replayed whole, whatever was stored. */
  giveUp(): void {
    this.#loaded = WHOLE;
    this.#isMet = true;
  }

  start(): void {
    this.#timer = this.#options.clock.after(EVERY_MS, () => {
      void this.#store().finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #store(): Promise<void> {
    const { checkpoints, share, mayAct, oldest, observer } = this.#options;
    const anchor = this.#newest;
    if (anchor.seq === this.#stored.seq || !mayAct()) return;
    try {
      // Of all that is folded: a fact that comes while this is on its way counts for the next one.
      await checkpoints.put(share, { from: oldest() ?? anchor.seq, anchor });
      this.#stored = anchor;
    } catch (error) {
      if (this.#stopped) return;
      observer.observe({ kind: "trouble", what: "storing the checkpoint", error: String(error) });
    }
  }
}
