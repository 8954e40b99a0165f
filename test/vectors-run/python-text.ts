/** The text that Python makes of a value, `str(value)`: what earlier releases gave where we keep the value. */
import type { JsonValue } from "../../internal/core/json.ts";

export function pythonText(value: JsonValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value === null) return "None";
  if (Array.isArray(value)) return `[${value.map(within).join(", ")}]`;
  const members = Object.entries(value).map(([key, each]) => `${within(key)}: ${within(each)}`);
  return `{${members.join(", ")}}`;
}

/** In lists and maps, text has quotes. */
function within(value: JsonValue): string {
  if (typeof value !== "string") return pythonText(value);
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const escaped = value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}
