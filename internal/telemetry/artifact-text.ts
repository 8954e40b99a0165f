/** Artifacts, as they are told in a line. */
import type { ArtifactFacts } from "../core/artifact.ts";
import { shortBytes } from "./log-text.ts";
import { counted, cut, oneLine } from "./text.ts";

const SHOWN = 5;
const LONGEST = 60;

/** `page-1.html`; of a record without a name its metadata. */
export function artifactName({ name, metadata }: Pick<ArtifactFacts, "name" | "metadata">): string {
  return cut(oneLine(name === "" ? JSON.stringify(metadata) : name), LONGEST);
}

/** `12 artifacts: out/a.csv (1.2 KiB), out/b.csv (80 bytes) … and 10 more` */
export function artifactsText(all: readonly ArtifactFacts[]): string {
  const names = all.slice(0, SHOWN).map((each) => {
    const size = each.size === null ? "" : ` (${shortBytes(each.size)})`;
    return artifactName(each) + size;
  });
  const more = all.length - names.length;
  return `${counted(all.length, "artifact")}: ${names.join(", ")}${more > 0 ? ` … and ${more} more` : ""}`;
}
