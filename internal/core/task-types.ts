/** The task types that definitions may name, and what they are called inside. */
import { NAME, NAME_RULE } from "./check.ts";
import { DEFAULT_QUEUE } from "./model.ts";

/** A task of this type runs nothing: what comes after it finds the artifacts from before it. */
export const GATE = "gate";

const ALIASES: Readonly<Record<string, string>> = {
  bash: "bash",
  shell: "bash",
  http: "http",
  rest: "http",
  function: "function",
  go: "function",
  golang: "function",
  docker: "docker",
  python: "docker",
  py: "docker",
  gate: GATE,
};

/** Types that every worker has, or that need none. */
const EVERYWHERE: ReadonlySet<string> = new Set(["bash", "http", "function", GATE]);
/** What a worker is started with to have one of the others; plug-ins have the rest. */
const FLAGS: ReadonlyMap<string, string> = new Map([["docker", "--docker"]]);
const PLUGINS = "--plugins";

/** The queue of tasks of this type that name none: that of its name, where not every worker has it. */
export function defaultQueueOf(type: string): string {
  return EVERYWHERE.has(type) ? DEFAULT_QUEUE : type;
}

/** The queues of who runs these types, or those of them that are allowed, and is not told others. */
export function queuesOf(types: readonly string[], allow?: readonly string[]): string[] {
  const own = types.filter((type) => allow === undefined || allow.includes(type));
  return [...new Set(own.map(defaultQueueOf))];
}

/** What a worker has to be started with to have this type; nothing for those that every worker has. */
export function flagOfType(type: string): string | undefined {
  return EVERYWHERE.has(type) ? undefined : (FLAGS.get(type) ?? PLUGINS);
}

/** What a worker has to be started with to serve this queue, with tasks of these types; nothing for one that has no flags. */
export function flagsFor(
  queue: string,
  types: readonly string[],
): { readonly flags: readonly string[]; readonly plugIns: readonly string[] } {
  const plugIns = types.filter((type) => flagOfType(type) === PLUGINS);
  const isServed = queuesOf([...EVERYWHERE, ...types]).includes(queue);
  const flags = [
    ...(isServed ? [] : [`--queues ${queue}`]),
    ...types.flatMap((type) => FLAGS.get(type) ?? []),
    ...(plugIns.length === 0 ? [] : [`${PLUGINS} FILE`]),
  ];
  return { flags, plugIns };
}

/** Why tasks could not have a type of this name; `undefined` when they can. */
export function problemOfType(type: unknown): string | undefined {
  if (typeof type !== "string" || !NAME.test(type)) return `type: must be a name: ${NAME_RULE}`;
  const canonical = canonicalType(type);
  if (canonical === undefined || canonical === type) return undefined;
  return `type: '${type}' is another name of '${canonical}'`;
}

/** Every name that a definition may use without a plug-in. */
export const TASK_TYPE_NAMES: readonly string[] = Object.keys(ALIASES);

/** The name that is used inside; `undefined` for a type that is not built in. */
export function canonicalType(name: string): string | undefined {
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}
