/** Makes the generated parts of the documentation anew: `npm run docs`. */
import { writeFile } from "node:fs/promises";
import { PAGES } from "./pages.ts";

const ROOT = new URL("../../../", import.meta.url);

for (const [page, make] of Object.entries(PAGES)) await writeFile(new URL(page, ROOT), await make(ROOT));
