/** The task types that definitions may name, and what they are called inside. */

const ALIASES: Readonly<Record<string, string>> = {
  bash: "bash",
  shell: "bash",
  http: "http",
  rest: "http",
  function: "function",
  go: "function",
  golang: "function",
};

/** Every name that a definition may use without a plug-in. */
export const TASK_TYPE_NAMES: readonly string[] = Object.keys(ALIASES);

/** The name that is used inside; `undefined` for a type that is not built in. */
export function canonicalType(name: string): string | undefined {
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}
