/** The pipes: every name there is. */
import { CODE_PIPES } from "./code-pipes.ts";
import { LIST_PIPES } from "./list-pipes.ts";
import { PATH_PIPES } from "./path-pipes.ts";
import type { Pipe } from "./pipe.ts";
import { TEXT_PIPES } from "./text-pipes.ts";

export const PIPES = { ...TEXT_PIPES, ...LIST_PIPES, ...PATH_PIPES, ...CODE_PIPES };

export type PipeName = keyof typeof PIPES;

/** Not looked up in the object itself, which has names of its own such as `constructor`. */
const BY_NAME: ReadonlyMap<string, Pipe> = new Map(Object.entries(PIPES));

export function pipeOf(name: string): Pipe | undefined {
  return BY_NAME.get(name);
}
