/** What all evaluations for one task instance may do together: there may be any number of them. */
import type { JsonValue } from "../json.ts";
import { jsonSize } from "../size.ts";
import { MAX_STEPS_OF_TASK, MAX_VALUES_OF_TASK } from "./limits.ts";

export class Allowance {
  #steps = MAX_STEPS_OF_TASK;
  #bytes = MAX_VALUES_OF_TASK;

  /** Why these steps are too many; nothing when they are not. */
  spend(steps: number): string | undefined {
    this.#steps -= steps;
    if (this.#steps >= 0) return undefined;
    return `more than ${MAX_STEPS_OF_TASK} steps in all expressions of the task: let a task make some of the values`;
  }

  /** Why the task cannot have this value, too; nothing when it can. */
  take(value: JsonValue): string | undefined {
    this.#bytes -= jsonSize(value, this.#bytes);
    if (this.#bytes >= 0) return undefined;
    return `what bindings and expressions give the task has more than ${MAX_VALUES_OF_TASK} bytes as JSON: hand large values over as files`;
  }
}
