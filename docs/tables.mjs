/** Writes the generated tables anew where their marks stand: `npm run docs`, after a build. */
import { readFile, writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import { withTable } from "../dist/internal/config/table.js";

const README = new URL("../README.md", import.meta.url);

const text = await readFile(README, "utf8");
const options = await resolveConfig(README);
await writeFile(README, await format(withTable(text), { ...options, filepath: "README.md" }));
