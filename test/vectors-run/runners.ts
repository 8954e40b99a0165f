/** The files of test vectors that there are, and how each is run. */
import { bindings } from "./bindings.ts";
import { expressions } from "./expressions.ts";
import { filters } from "./filters.ts";
import { schema } from "./schema.ts";
import { validate } from "./validate.ts";
import { graphEngine } from "./graph-engine.ts";
import { graphInMemory } from "./graph-in-memory.ts";
import type { VectorRunner } from "./vector.ts";

export const RUNNERS: readonly VectorRunner[] = [
  graphEngine,
  graphInMemory,
  expressions,
  filters,
  bindings,
  schema,
  validate,
];
