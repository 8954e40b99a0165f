/** How often things are done: as often as a test says, times `FAULTS_TIMES` for a long run by hand. */
const FACTOR = Number(process.env.FAULTS_TIMES ?? "1");

export function trials(usual: number): number {
  return Math.max(1, Math.round(usual * FACTOR));
}

/** For a test that does something so often, in milliseconds; what makes it fail are the deadlines within. */
export function timeLimit(count: number): number {
  return 240_000 + count * 30_000;
}
