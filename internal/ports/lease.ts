/**
 * Who drives which runs, and who is there to: leases by name, so that work is not done twice. Correctness never
 * depends on them.
 */
import type { Subscription } from "./presence.ts";

export interface Lease {
  /** Takes the lease if it is free or already this owner's; `false` when another holds it. */
  acquire(owner: string): Promise<boolean>;
  /** Holds it for one more term (`termMs`); `false` when it is no longer this owner's. */
  renew(owner: string): Promise<boolean>;
  /** Gives it up, if it is this owner's. */
  release(owner: string): Promise<void>;
  /** Who holds it now. */
  holder(): Promise<string | undefined>;
  /** How long it lasts after the last `acquire` or `renew`, in milliseconds. */
  readonly termMs: number;
}

export interface Leases {
  /** The term of all of them, in milliseconds. */
  readonly termMs: number;
  /** The lease of this name, `[a-zA-Z0-9._-]`. */
  named(name: string): Lease;
  /** Follows all of them; resolves when what is held now is known. */
  watch(onChange: () => void): Promise<LeaseBoard>;
}

/** What is known here of all leases: a moment behind what is so, and behind by more while there is no connection. */
export interface LeaseBoard extends Subscription {
  /** The owners of those that are held, by name. What was not renewed for a term is not held. */
  holders(): ReadonlyMap<string, string>;
}
