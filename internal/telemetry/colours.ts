/** Colours for a person at a terminal: none in a pipe, whatever else the surroundings say, and none with NO_COLOR. */
import picocolors from "picocolors";

// A pipe has no such property, whatever its type says; to `undefined` picocolors would prefer its own opinion.
const isTerminal = "isTTY" in process.stdout;

export const pc = picocolors.createColors(picocolors.isColorSupported && isTerminal);
