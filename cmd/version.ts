import { readFileSync } from "node:fs";

/** From package.json, which lies at a different depth for the sources and for what is built of them. */
export const VERSION = readVersion();

function readVersion(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as {
        version: string;
      };
      return version;
    } catch {
      // The next one.
    }
  }
  return "unknown";
}
