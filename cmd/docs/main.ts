/** Makes the generated parts of the documentation anew: `npm run docs`. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { withTable } from "../../internal/config/table.ts";

const README = fileURLToPath(new URL("../../../README.md", import.meta.url));

await writeFile(README, withTable(await readFile(README, "utf8")));
