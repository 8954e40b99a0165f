/** Pipes for paths with `/`, whatever the machine: by their text alone, without looking at files. */
import { ofText, type Pipe } from "./pipe.ts";

export const PATH_PIPES = {
  basename: ofText((text) => nameOf(text)),
  dirname: ofText((text) => {
    const { root, names } = readPath(text);
    return root + names.slice(0, -1).join("/") || ".";
  }),
  stem: ofText((text) => {
    const name = nameOf(text);
    return name.slice(0, name.length - extension(name).length);
  }),
  ext: ofText(extensionOf),
} as const satisfies Record<string, Pipe>;

interface Path {
  /** POSIX lets exactly two slashes at the begin mean something of their own. */
  readonly root: "" | "/" | "//";
  /** Without those that are empty or `.`. */
  readonly names: readonly string[];
}

function readPath(text: string): Path {
  const slashes = /^\/*/.exec(text)?.[0].length ?? 0;
  const root = slashes === 2 ? "//" : slashes > 0 ? "/" : "";
  return { root, names: text.split("/").filter((name) => name !== "" && name !== ".") };
}

function nameOf(text: string): string {
  return readPath(text).names.at(-1) ?? "";
}

/** Of the last name of a path, with its dot. */
export function extensionOf(path: string): string {
  return extension(nameOf(path));
}

/** With its dot; a dot that is the first or the last character begins none. */
function extension(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 && dot < name.length - 1 ? name.slice(dot) : "";
}
