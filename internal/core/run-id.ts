/** What a run may be called: safe in subjects, in file names and on a command line. */
export const RUN_ID_RULE = "1 to 128 of A-Z a-z 0-9 _ -, and no - at the beginning";

export function isRunId(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$/.test(text);
}
