/** The files of test vectors that there are, and how each is run. */
import { expressions } from "./expressions.ts";
import type { VectorRunner } from "./vector.ts";

export const RUNNERS: readonly VectorRunner[] = [expressions];
