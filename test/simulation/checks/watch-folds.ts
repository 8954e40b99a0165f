/** Hears of every fact that any fold applies, wherever in the code under test it is. */
import type { LoggedFact } from "../../../internal/core/facts.ts";
import { RunFold } from "../../../internal/core/run-fold.ts";

/** Ends with the call of what it returns. */
export function watchFolds(heard: (fold: RunFold, logged: LoggedFact) => void): () => void {
  const { prototype } = RunFold;
  const { apply } = prototype;
  prototype.apply = function (this: RunFold, logged) {
    const change = apply.call(this, logged);
    heard(this, logged);
    return change;
  };
  return () => {
    prototype.apply = apply;
  };
}
