/** Colours for a person at a terminal: none in a pipe, whatever else the surroundings say, and none with NO_COLOR. */
import picocolors from "picocolors";

// In a pipe it is undefined, whatever Node's types say; left so, picocolors would decide for itself.
const { isTTY }: { readonly isTTY?: boolean } = process.stdout;

export const pc = picocolors.createColors(picocolors.isColorSupported && isTTY === true);
