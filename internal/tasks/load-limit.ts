/** A module that is not there after so long never will be: it waits for something that does not come. */
export const LOAD_LIMIT_MS = 30_000;
