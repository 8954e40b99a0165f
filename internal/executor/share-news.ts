/** Tells what becomes of the leases. They come and go many at a time: one observation says it of all. */
import type { Clock, Timer } from "../ports/clock.ts";
import type { Observer } from "../ports/observer.ts";

const GATHER_MS = 100;

type Kind = "lease-taken" | "lease-lost" | "lease-released";

export interface ShareNewsOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly owner: string;
  readonly leases: { readonly termMs: number };
}

export class ShareNews {
  readonly #options: ShareNewsOptions;
  readonly #gathered = new Map<Kind, Set<number>>();
  /** When each trouble was told last, by the monotonic clock. */
  readonly #toldAt = new Map<string, number>();
  #timer: Timer | undefined;

  constructor(options: ShareNewsOptions) {
    this.#options = options;
  }

  tell(kind: Kind, share: number): void {
    const shares = this.#gathered.get(kind) ?? new Set();
    this.#gathered.set(kind, shares.add(share));
    this.#timer ??= this.#options.clock.after(GATHER_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { observer, owner } = this.#options;
    for (const [kind, shares] of this.#gathered) {
      observer.observe({ kind, owner, shares: [...shares].toSorted((a, b) => a - b) });
    }
    this.#gathered.clear();
  }

  /** The same trouble once a term: it may be met with every lease. */
  trouble(what: string, error: unknown): void {
    const { clock, observer, leases } = this.#options;
    const now = clock.monotonic();
    if (now - (this.#toldAt.get(what) ?? Number.NEGATIVE_INFINITY) < leases.termMs) return;
    this.#toldAt.set(what, now);
    observer.observe({ kind: "trouble", what, error: String(error) });
  }
}
