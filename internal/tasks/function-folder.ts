/** The folder that a function may ask for. */
import { rm } from "node:fs/promises";
import type { TaskContext } from "../ports/task-executor.ts";
import { makeScratchFolder } from "./scratch.ts";

/** The same one each time. */
export function folderOf({ atEnd }: Pick<TaskContext, "atEnd">): () => Promise<string> {
  let made: Promise<string> | undefined;
  const make = async (): Promise<string> => {
    const path = await makeScratchFolder();
    atEnd(() => void rm(path, { recursive: true, force: true }).catch(() => undefined));
    return path;
  };
  return () => (made ??= make());
}
