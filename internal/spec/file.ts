/** The text of a file that may be a definition or params; what cannot be one is refused before it costs anything. */
import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { DefinitionError } from "./problems.ts";

export const MIB = 1_024 * 1_024;
/** Of a definition. */
export const MAX_SIZE = 64 * MIB;

/** `undefined` when there is no such file. Rejects with `DefinitionError` when there is one that cannot be used. */
export async function readTextIfThere(file: string): Promise<string | undefined> {
  const isMissing = await stat(file).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT" || error.code === "ENOTDIR",
  );
  return isMissing ? undefined : readText(file);
}

/** Rejects with `DefinitionError`, also when there is no such file. */
export async function readText(file: string): Promise<string> {
  const refuse = (message: string): never => {
    throw new DefinitionError([{ file, path: "", message }]);
  };
  const info = await stat(file).catch((error: NodeJS.ErrnoException) =>
    refuse(error.code === "ENOENT" ? "no such file" : `cannot be read: ${error.message}`),
  );
  if (!info.isFile()) refuse(info.isDirectory() ? "is a folder, not a file" : "is not a file");
  if (info.size > MAX_SIZE)
    refuse(`has ${Math.round(info.size / MIB)} MiB; at most ${MAX_SIZE / MIB} are allowed`);
  const bytes = await readFile(file).catch((error: Error) => refuse(`cannot be read: ${error.message}`));
  if (bytes.includes(0) || !isUtf8(bytes)) refuse("is not a text file (UTF-8)");
  return bytes.toString("utf8");
}
