/** What a server that has no room, or no answer, means for who writes to it: he waits, and can say why. */

/** What is written to. */
export type Store = "log" | "queue" | "values" | "other";

export interface Pressure {
  /** Why what this process writes has to wait now, in one line, in these stores or in any; nothing while it need not. */
  why(...stores: readonly Store[]): string | undefined;
}

/** Somebody who asks for something, and is there to be told, waits no longer for it to be stored, in milliseconds. */
export const CALLER_WAITS_MS = 5_000;

export interface WriteOptions {
  /** How long the writer can wait, in milliseconds; then it rejects with `NotStored`. Default: for as long as it takes. */
  readonly withinMs?: number;
}

/** The server did not take it in time. */
export class NotStored extends Error {
  readonly code = "NOT_STORED";
  /** In one line. */
  readonly why: string;
  /** It may be there all the same: the server has not answered. */
  readonly isOpen: boolean;
  constructor({ what, why, isOpen }: { what: string; why: string; isOpen: boolean }) {
    super(isOpen ? `whether ${what} was stored is not known: ${why}` : `${what} was not stored: ${why}`);
    this.name = "NotStored";
    this.why = why;
    this.isOpen = isOpen;
  }
}
