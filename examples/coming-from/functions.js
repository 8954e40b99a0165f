/** The output of `extract` comes as params. */
export function load({ day, extract__rows }) {
  return { loaded: Number(extract__rows), day };
}
