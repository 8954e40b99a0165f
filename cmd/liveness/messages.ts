/** What a process and the thread that shows the lives of its workers say to each other. */
import type { AttemptId } from "../../internal/core/attempt.ts";
import type { HeldCopy, WorkerIdentity, WorkerStatus } from "../../internal/ports/liveness.ts";

/** Given to the thread when it is started. */
export interface ThreadSettings {
  readonly servers: string;
  readonly creds?: string;
  readonly namespace: string;
  readonly heartbeatMs: number;
  readonly ackWaitMs: number;
}

/** `of` is the incarnation that is meant. */
export type ToThread =
  /** The process's loop turns: the answer to `are-you-there`. */
  | { readonly kind: "here" }
  | { readonly kind: "begin"; readonly identity: WorkerIdentity; readonly status: WorkerStatus }
  /** What was let go first: it may have been taken again. */
  | {
      readonly kind: "holds";
      readonly of: string;
      readonly letGo: readonly AttemptId[];
      readonly taken: readonly HeldCopy[];
      readonly n: number;
    }
  | { readonly kind: "update"; readonly of: string; readonly status: WorkerStatus }
  | { readonly kind: "beat"; readonly of: string }
  | { readonly kind: "stop"; readonly of: string };

export type FromThread =
  | { readonly kind: "are-you-there" }
  | { readonly kind: "begun"; readonly of: string }
  /** The last word has left. */
  | { readonly kind: "stopped"; readonly of: string }
  /** The process's loop turns again, after it had not for so long. */
  | { readonly kind: "was-blocked"; readonly ms: number }
  | { readonly kind: "trouble"; readonly what: string };
