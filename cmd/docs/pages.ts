/** The files of the documentation that are made, or have parts that are. */
import { readFile } from "node:fs/promises";
import { settingsTable } from "../../internal/config/table.ts";
import { jsonSchemaText } from "../../internal/spec/json-schema.ts";
import { metricsTable } from "../../internal/telemetry/metric-list.ts";
import { expressionTable } from "./expression-tables.ts";
import { fieldTable } from "./field-tables.ts";
import { fillSections } from "./sections.ts";

/** Each file's path from the root, and its text made anew from what is there. */
export const PAGES: Readonly<Record<string, (root: URL) => Promise<string>>> = {
  "README.md": (root) => filled(new URL("README.md", root), { root }),
  "docs/dag-file.md": (root) => filled(new URL("docs/dag-file.md", root), { root }),
  "docs/artifacts.md": (root) => filled(new URL("docs/artifacts.md", root), { root }),
  "docs/task-types.md": (root) => filled(new URL("docs/task-types.md", root), { root }),
  "docs/expressions.md": (root) => filled(new URL("docs/expressions.md", root), { root }),
  "docs/operating.md": (root) => filled(new URL("docs/operating.md", root), { root }),
  "docs/coming-from.md": (root) => filled(new URL("docs/coming-from.md", root), { root }),
  "docs/dag.schema.json": () => Promise.resolve(jsonSchemaText()),
};

async function filled(page: URL, { root }: { readonly root: URL }): Promise<string> {
  return fillSections(await readFile(page, "utf8"), async (name) => {
    if (name === "settings") return settingsTable();
    if (name === "metrics") return metricsTable();
    if (name.startsWith("examples/")) {
      const language = name.endsWith(".mjs") ? "js" : "yaml";
      return `\`\`\`${language}\n${await readFile(new URL(name, root), "utf8")}\`\`\``;
    }
    return expressionTable(name) ?? fieldTable(name);
  });
}
