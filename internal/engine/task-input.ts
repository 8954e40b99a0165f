/** What a task is called with: its artifacts or the run's input, and over these what bindings fill in. */
import type { PlacedArtifact } from "../core/artifact.ts";
import { type Bindings, resolveBindings, secretOf } from "../core/bindings.ts";
import type { Patterns } from "../core/expression/patterns.ts";
import type { InstanceInput } from "../core/fan-out.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { byProducer, inputOfArtifacts } from "../core/task-input.ts";
import type { Task } from "../core/model.ts";
import { Sources } from "../core/sources.ts";
import { EngineError } from "./errors.ts";
import type { RunArtifact } from "./task.ts";

export interface TaskInputOptions {
  /** Where the file of an artifact is; `null` for one that has none. Default: none has. */
  pathOf?(artifact: RunArtifact): string | null;
  /** What stands for `$NAME` in a binding; `undefined` when there is no such secret. It is kept nowhere. */
  secret?(name: string): JsonValue | undefined | Promise<JsonValue | undefined>;
  /** What `{config.KEY}` in an expression is: what the product keeps beside the node. Default: nothing. */
  readonly config?: JsonObject;
}

/** What is known of a task. */
export interface KnownTask {
  readonly task: Task;
  readonly given: InstanceInput | undefined;
  /** Of the run. */
  readonly input: JsonObject;
}

interface Placed extends PlacedArtifact {
  readonly id: string;
  readonly producedBy: string;
}

/** Rejects with `EngineError` when a field cannot be filled in. */
export async function inputOfTask(
  { task, given, input }: KnownTask,
  options: TaskInputOptions,
  patterns: Patterns,
): Promise<JsonObject> {
  const { pathOf = () => null, config = {} } = options;
  const placed = (given?.artifacts ?? []).map((each): Placed => ({ ...each, path: pathOf(each) }));
  const own =
    given === undefined
      ? structuredClone(input)
      : inputOfArtifacts(placed, { isSingle: given.isSingle === true });
  const { bindings, edgeFilters } = task;
  if (bindings === undefined) return own;
  const secrets = await secretsOf(bindings, options);
  const produced = byProducer(placed);
  const sources = new Sources({
    artifactsOf: (node) => produced.get(node) ?? [],
    ...(edgeFilters === undefined ? {} : { edgeFilters }),
    input,
    patterns,
  });
  const secret = (name: string): JsonValue => secrets.get(name) ?? null;
  const resolved = resolveBindings(bindings, sources, { config, secret });
  if ("values" in resolved) return { ...own, ...resolved.values };
  const { field, message } = resolved.problem;
  throw new EngineError("BAD_BINDING", `node '${task.id}', binding '${field}': ${message}`);
}

async function secretsOf(
  bindings: Bindings,
  { secret }: TaskInputOptions,
): Promise<ReadonlyMap<string, JsonValue>> {
  const found = new Map<string, JsonValue>();
  for (const [field, binding] of Object.entries(bindings)) {
    const name = secretOf(binding);
    if (name === undefined || found.has(name)) continue;
    const value = await secret?.(name);
    if (value === undefined) {
      const advice = secret === undefined ? "give taskInput a secret(name)" : "there is no such secret";
      throw new EngineError("BAD_BINDING", `binding '${field}' needs the secret '${name}': ${advice}`);
    }
    found.set(name, value);
  }
  return found;
}
