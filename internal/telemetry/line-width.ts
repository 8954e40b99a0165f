/** How long a line of stdout may be, in characters: as wide as the terminal; in a pipe nothing is cut off. */
export function lineWidth(): number {
  if (!process.stdout.isTTY) return Number.POSITIVE_INFINITY;
  // Some terminals say 0.
  return process.stdout.columns || DEFAULT_WIDTH;
}

const DEFAULT_WIDTH = 80;
