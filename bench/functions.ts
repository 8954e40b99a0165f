/** What the measured tasks do that run on threads. */
export function noop(): void {
  // Nothing: what is measured is the way there and back.
}
