/** What a run may be called: safe in subjects and file names. */
export const RUN_ID_RULE = "1 to 128 of A-Z a-z 0-9 _ -";

export function isRunId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,128}$/.test(text);
}
