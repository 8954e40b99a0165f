/** What a command that ran on this host hands over: what its manifest says, and the files that its task names. */
import type { Dirent } from "node:fs";
import { lstat, opendir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { NewArtifact } from "../core/new-artifact.ts";
import { FileTrouble } from "../ports/host-files.ts";
import { BadArtifacts, type ManifestEntry, readManifest } from "./artifact-manifest.ts";
import { hostFiles } from "./host-files.ts";
import { WantedFiles, type Way } from "./wanted-files.ts";

export interface FolderOfCommand {
  /** Where its files are. */
  readonly folder: string;
  /** Path of its manifest, which need not be there. */
  readonly manifest: string;
  readonly patterns: readonly string[];
  /** More artifacts than this cannot be handed over. */
  readonly limit: number;
  /** Id of the user whose its files are; default: anybody's. */
  readonly owner?: number;
  /** Who asks does not wait any longer. */
  readonly signal: AbortSignal;
}

/** Rejects with `BadArtifacts`. What is found is looked at when it is read: it may change until then. */
export async function artifactsIn(command: FolderOfCommand): Promise<NewArtifact[]> {
  const { folder, patterns, limit, owner } = command;
  const wanted = new WantedFiles(patterns, await entriesOf(command), limit);
  for (const path of wanted.named) await addNamed(path, wanted, folder);
  if (wanted.hasPatterns) await walk(wanted, command);
  return wanted.list({ folder, ...(owner === undefined ? {} : { owner }) });
}

async function entriesOf({ manifest, folder, limit, owner }: FolderOfCommand): Promise<ManifestEntry[]> {
  try {
    // It is beside the folder, and no link to elsewhere.
    const within = { folder: dirname(manifest), ...(owner === undefined ? {} : { owner }) };
    if (await isMissing(manifest)) return [];
    const file = await hostFiles.open(manifest, within);
    try {
      return await readManifest({ parts: file.read(), folder, limit });
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof FileTrouble ? new BadArtifacts(`the manifest ${error.message}`) : error;
  }
}

async function isMissing(path: string): Promise<boolean> {
  return lstat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );
}

async function addNamed(path: string, wanted: WantedFiles, folder: string): Promise<void> {
  const at = join(folder, path);
  if (await isMissing(at)) return;
  const way = path.split("/").reduce((before, name) => wanted.advance(before, name), wanted.begin());
  wanted.add(path, way, at);
}

/** Goes into no folder in which nothing can be wanted, and through no link. */
async function walk(wanted: WantedFiles, { folder, signal }: FolderOfCommand): Promise<void> {
  const left: { readonly path: string; readonly way: Way }[] = [{ path: "", way: wanted.begin() }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for await (const entry of entriesIn(folder, next.path)) {
      if (signal.aborted) return;
      const way = wanted.advance(next.way, entry.name);
      const path = next.path === "" ? entry.name : `${next.path}/${entry.name}`;
      if (entry.isDirectory()) {
        if (wanted.leadsOn(way)) left.push({ path, way });
      } else if (wanted.isWanted(path, way) && !(await leadsToFolder(entry, join(folder, path)))) {
        wanted.add(path, way, join(folder, path));
      }
    }
  }
}

async function* entriesIn(folder: string, path: string): AsyncGenerator<Dirent> {
  try {
    for await (const entry of await opendir(join(folder, path))) {
      if (entry.name.includes("\uFFFD"))
        throw new BadArtifacts(
          `there is a name that is no UTF-8 in its folder: ${JSON.stringify(entry.name)}`,
        );
      yield entry;
    }
  } catch (error) {
    if (error instanceof BadArtifacts) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    // Something still runs that tidies up.
    if (code === "ENOENT") return;
    throw new BadArtifacts(`the folder '${path}' cannot be read: ${code ?? message}`);
  }
}

async function leadsToFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return false;
  return stat(path).then(
    (it) => it.isDirectory(),
    () => false,
  );
}
