import { readFile } from "node:fs/promises";
import type { TestFolder } from "./folder.ts";

/** A task that says that it runs, and waits until it may end. */
export function gate(
  folder: TestFolder,
  name: string,
): { command: string; runs(): Promise<string[]>; open(): Promise<string> } {
  const log = `${folder.path}/${name}.log`;
  const door = `${folder.path}/${name}.open`;
  return {
    // What a killed worker leaves behind ends with the folder.
    command: `echo "$JETDAG_ATTEMPT" >> ${log}; while [ -d ${folder.path} ] && [ ! -e ${door} ]; do sleep 0.05; done`,
    runs: async () => (await readFile(log, "utf8").catch(() => "")).split("\n").filter((line) => line !== ""),
    open: () => folder.write(`${name}.open`, ""),
  };
}
