/** Which statuses are meant: `404`, `200-299`, `2xx`. */

/** A number, or text as `STATUS` has it. */
export type StatusPattern = number | string;

const RANGE = /^([1-5]\d\d)-([1-5]\d\d)$/;
export const STATUS = /^[1-5](?:xx|\d\d(?:-[1-5]\d\d)?)$/;

export function isAmong(status: number, patterns: readonly StatusPattern[]): boolean {
  return patterns.some((pattern) => {
    const [from, to] = boundsOf(pattern);
    return from <= status && status <= to;
  });
}

/** The first and the last status that a pattern means. */
export function boundsOf(pattern: StatusPattern): readonly [from: number, to: number] {
  const text = String(pattern);
  if (text.endsWith("xx")) return [Number(text[0]) * 100, Number(text[0]) * 100 + 99];
  const [, from = text, to = text] = RANGE.exec(text) ?? [];
  return [Number(from), Number(to)];
}
