/** Verdicts about workers and attempts, from observations alone. */

export interface LivenessLimits {
  /** A worker that was not heard of for so long is dead, in milliseconds. Default 30,000. */
  readonly deadAfterMs: number;
  /** What an attempt may take beyond its own time limit to end by itself, in milliseconds. */
  readonly overtimeMs: number;
}

export function isDead(silentMs: number, limits: LivenessLimits): boolean {
  return silentMs > limits.deadAfterMs;
}

/** The worker should have ended it long ago; whoever claims it, its time is over. */
export function isOverdue(heldMs: number, timeoutMs: number, limits: LivenessLimits): boolean {
  return heldMs > timeoutMs + limits.overtimeMs;
}
