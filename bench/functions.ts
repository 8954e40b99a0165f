/** What the measured tasks do. */
export function noop(): void {
  // Nothing: what is measured is the way there and back.
}
