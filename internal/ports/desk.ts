/** Questions to the executors that drive runs: what they observe and no log says. */
import type { ClusterView, ExecutorView } from "../core/cluster-view.ts";

export interface Desk {
  /** Executor: answers from now on, where it has something to say. */
  serve(answer: () => ExecutorView | undefined): Promise<{ stop(): Promise<void> }>;
  /** Anyone: asks all executors; `undefined` when none answers within `timeoutMs`. Waits for no more answers than the first ones speak of. */
  ask(timeoutMs: number): Promise<ClusterView | undefined>;
}
