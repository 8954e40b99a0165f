import type { Clock, Timer } from "../ports/clock.ts";

/** Does something again and again, `ms` milliseconds apart, until it is cancelled. */
export function every(clock: Clock, ms: number, act: () => void): Timer {
  let timer: Timer;
  const again = (): void => {
    timer = clock.after(ms, () => {
      again();
      act();
    });
  };
  again();
  return { cancel: () => timer.cancel() };
}
