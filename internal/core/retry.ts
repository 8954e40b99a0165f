import { hash32 } from "./hash.ts";
import type { RetryPolicy } from "./model.ts";

/**
 * Milliseconds to wait after the `failures`-th failure (1, 2, …) of an instance.
 * Jitter is a hash of the attempt's identity, so that every replay and every executor gets the same delay.
 */
export function retryDelayMs(policy: RetryPolicy, failures: number, attemptKey: string): number {
  const delay = Math.min(baseDelayMs(policy, failures), policy.maxMs);
  const spread = (hash32(attemptKey) / 0x1_0000_0000) * 2 - 1;
  return Math.round(delay * (1 + spread * policy.jitter));
}

function baseDelayMs(policy: RetryPolicy, failures: number): number {
  switch (policy.backoff) {
    case "none":
      return 0;
    case "fixed":
      return policy.initialMs;
    case "linear":
      return policy.initialMs * (1 + policy.factor * (failures - 1));
    case "exponential":
      return policy.initialMs * policy.factor ** (failures - 1);
  }
}
