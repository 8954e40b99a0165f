/** Are the generated parts of the documentation up to date (`npm run docs`), and its examples files that run? */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { PAGES } from "../../cmd/docs/pages.ts";
import { fillSections } from "../../cmd/docs/sections.ts";
import { canonicalType, TASK_TYPE_NAMES } from "../../internal/core/task-types.ts";
import { TASK_OPTIONS } from "../../internal/spec/task-options.ts";

const ROOT = new URL("../../", import.meta.url);
const textOf = (page: string): Promise<string> => readFile(new URL(page, ROOT), "utf8");

test.each(Object.entries(PAGES))("%s is up to date", async (page, make) => {
  // Prettier makes the columns of tables even.
  const plain = (text: string): string => text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");
  expect(plain(await textOf(page))).toBe(plain(await make(ROOT)));
});

test("every example of a DAG on the page of the DAG file is a file in examples/", async () => {
  const page = await textOf("docs/dag-file.md");
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  const files = [...page.matchAll(/<!-- (examples\/\S+): begin/g)].map(([, file = ""]) => file);
  const texts = await Promise.all(files.map(textOf));
  // The comment for editors is no DAG.
  expect(blocks.filter((block) => /^\w/m.test(block)).toSorted()).toEqual(texts.toSorted());
  expect(files.length).toBeGreaterThan(4);
});

test("every type of tasks is where types are told of", async () => {
  const [readme, dagFile, types] = await Promise.all(
    ["README.md", "docs/dag-file.md", "docs/task-types.md"].map(textOf),
  );
  for (const type of Object.keys(TASK_OPTIONS)) {
    expect(readme).toMatch(new RegExp(`^\\| \`${type}\` +\\|`, "m"));
    expect(types).toMatch(new RegExp(`^## ${type}$`, "m"));
    expect(dagFile).toMatch(new RegExp(`^### ${type}$`, "m"));
    const names = TASK_TYPE_NAMES.filter((name) => canonicalType(name) === type);
    expect(dagFile).toMatch(new RegExp(`^\\| ${names.map((name) => `\`${name}\``).join(", ")} +\\|`, "m"));
  }
});

describe("sections", () => {
  const page =
    "a\n<!-- one: begin (made) -->\nold\n<!-- one: end -->\nb\n<!-- x/y.z: begin (made) -->\n<!-- x/y.z: end -->\n";

  test("are made anew, and all else stays", async () => {
    expect(await fillSections(page, (name) => `new ${name}`)).toBe(
      "a\n<!-- one: begin (made) -->\n\nnew one\n\n<!-- one: end -->\nb\n<!-- x/y.z: begin (made) -->\n\nnew x/y.z\n\n<!-- x/y.z: end -->\n",
    );
  });

  test("one that nothing makes, and a page that has none, are errors", async () => {
    await expect(fillSections(page, () => undefined)).rejects.toThrow("nothing makes the section 'one'");
    await expect(fillSections("no marks", () => "")).rejects.toThrow("the marks of the generated sections");
  });
});
