/** What the ends of the instances mean for the run. */
import type { RunEndState } from "./facts.ts";
import type { FoldState } from "./instances.ts";
import type { FailurePolicy, Task } from "./model.ts";

export class Verdict {
  readonly #policy: FailurePolicy;
  #crashes = 0;
  #failures = 0;

  constructor(policy: FailurePolicy) {
    this.#policy = policy;
  }

  /** An instance of this task did not succeed. Under `allow_partial` only critical tasks decide. */
  add(task: Task, state: FoldState): void {
    if (this.#policy === "allow_partial" && !task.critical) return;
    if (state === "crashed") this.#crashes++;
    else this.#failures++;
  }

  startOver(): void {
    this.#crashes = 0;
    this.#failures = 0;
  }

  get end(): RunEndState {
    if (this.#crashes > 0) return "crashed";
    return this.#failures > 0 ? "failed" : "completed";
  }
}
