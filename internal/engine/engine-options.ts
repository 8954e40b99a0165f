/** What the engine is made with. */
import { shown } from "../core/shown.ts";
import { badInput } from "./errors.ts";
import type { EventStore } from "./event-store.ts";
import type { RunEnd } from "./following.ts";
import type { EngineTask } from "./task.ts";

export interface EngineOptions {
  readonly store: EventStore;
  /** Puts a task into the product's queue. It may come again with the same id, as long as the task has not ended. */
  dispatch(task: EngineTask): Promise<void> | void;
  /**
   * The task is not wanted any more: its run has ended. One that was not dispatched yet will not be. Perhaps it is told
   * while its dispatch is still under way.
   */
  cancel?(task: EngineTask): Promise<void> | void;
  /** A run has ended as `completed`, `failed`, `crashed` or `cancelled`. Told before what is left of it is cancelled; it may come again. */
  onEnd?(end: RunEnd): Promise<void> | void;
  /** Nodes of this plugin hand on what they did not produce themselves. Asked when a run starts. Default: none does. */
  isPassthrough?(plugin: string): boolean;
  /** So many tasks may a node have. Default 100,000. */
  readonly fanOutLimit?: number;
  /** Milliseconds since 1970. Default: the clock of the machine. */
  readonly now?: () => number;
}

/** Throws `EngineError`. */
export function checkOptions(given: EngineOptions): void {
  const { store, fanOutLimit }: Partial<EngineOptions> = given ?? {};
  if (!isFunction(store?.append) || !isFunction(store?.read))
    throw badInput("store must have append(runId, number, event) and read(runId, from)");
  if (!isFunction(given.dispatch)) throw badInput("dispatch must be a function: it gets each task to be run");
  for (const name of ["cancel", "onEnd", "isPassthrough", "now"] as const)
    if (given[name] !== undefined && !isFunction(given[name])) throw badInput(`${name} must be a function`);
  const isLimit = fanOutLimit === undefined || (Number.isInteger(fanOutLimit) && fanOutLimit >= 1);
  if (!isLimit) throw badInput(`fanOutLimit must be a whole number from 1 on, not ${shown(fanOutLimit)}`);
}

function isFunction(given: unknown): boolean {
  return typeof given === "function";
}
