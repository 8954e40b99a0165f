/** The shapes that are measured, for jetdag and for the raw probe alike. */
export interface Shape {
  readonly name: string;
  /** Runs of the same DAG, all at once. */
  readonly runs: number;
  /** Tasks in all. */
  readonly tasks: number;
  /** Of one run: for each task the positions of those that it waits for. */
  readonly parents: readonly (readonly number[])[];
}

/** 1 → n → 1 */
export function fanOut(n: number): Shape {
  const middle = Array.from({ length: n }, () => [0]);
  const last = Array.from({ length: n }, (_, i) => i + 1);
  return { name: `fan-out-${n}`, runs: 1, tasks: n + 2, parents: [[], ...middle, last] };
}

/** Runs of 1 → 8 → 1 */
export function diamonds(runs: number): Shape {
  return { ...fanOut(8), name: `diamonds-${runs}`, runs, tasks: 10 * runs };
}

export function chain(n: number): Shape {
  const parents = Array.from({ length: n }, (_, i) => (i === 0 ? [] : [i - 1]));
  return { name: `chain-${n}`, runs: 1, tasks: n, parents };
}

/** Each task but the first waits for `parents` of those before it, or for all of them. */
export function randomGraph(tasks: number, parents: number): Shape {
  let state = 1;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const all = Array.from({ length: tasks }, (_, i) => {
    const chosen = new Set<number>();
    while (chosen.size < Math.min(i, parents)) chosen.add(below(i));
    return [...chosen];
  });
  return { name: `random-${tasks}`, runs: 1, tasks, parents: all };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export interface Measured {
  readonly seconds: number;
  /** Between the ends of one task and the next, in milliseconds. */
  readonly hopsMs: readonly number[];
}
