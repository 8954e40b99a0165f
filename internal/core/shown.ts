/** How messages show what was given, and where. */

export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${String(part)}`))
    .join("");
}

/** A value as it may stand in a message. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? `'${value}'` : write(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function write(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    // It holds itself, is too deep, or has a part that JSON has no form for.
    return Array.isArray(value) ? "this list" : "this object";
  }
}
