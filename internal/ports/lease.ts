/** Which executor drives the runs, so that work is not done twice. Correctness never depends on it. */
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
