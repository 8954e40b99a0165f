/** The generated sections of a page: what stands between `<!-- NAME: begin (…) -->` and `<!-- NAME: end -->`. */

const SECTION = /<!-- (?<name>[^:]+): begin (?<note>\([^)]*\)) -->[\s\S]*?<!-- \k<name>: end -->/g;

/** The text with each section made anew. Rejects when there is none, or when one is not known. */
export async function fillSections(
  text: string,
  make: (name: string) => string | undefined | Promise<string | undefined>,
): Promise<string> {
  const parts: string[] = [];
  let end = 0;
  for (const match of text.matchAll(SECTION)) {
    const { name = "", note = "" } = match.groups ?? {};
    const made = await make(name);
    if (made === undefined) throw new Error(`nothing makes the section '${name}'`);
    parts.push(
      text.slice(end, match.index),
      `<!-- ${name}: begin ${note} -->\n\n${made}\n\n<!-- ${name}: end -->`,
    );
    end = match.index + match[0].length;
  }
  if (end === 0) throw new Error("the marks of the generated sections are missing");
  return [...parts, text.slice(end)].join("");
}
