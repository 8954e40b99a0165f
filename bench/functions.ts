/** What the measured tasks do that run on threads. */
import { artifacts } from "../internal/tasks/define-function.mjs";

export function noop(): void {
  // Nothing: what is measured is the way there and back.
}

export function handOut(params: { readonly count: number }): unknown {
  return artifacts(Array.from({ length: params.count }, (_, i) => ({ metadata: { i } })));
}

export function handOn(params: { readonly i: number }): unknown {
  return artifacts([{ metadata: { i: params.i } }]);
}

export function gather(params: { readonly artifacts: readonly unknown[] }): { readonly count: number } {
  return { count: params.artifacts.length };
}
