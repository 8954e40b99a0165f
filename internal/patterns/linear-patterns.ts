/** Regular expressions in time linear to the text, by RE2's engine: no look-around, no back-references. */
import { createRequire } from "node:module";
import type { RE2JS } from "re2js";
import type { Pattern, Patterns } from "../core/expression/patterns.ts";

/** Each keeps what it learned of the texts it was used on, up to 8 MiB. */
const MAX_KEPT = 16;

/** The same few patterns are used again and again, with every task. The engine is loaded with the first of them. */
export function linearPatterns(): Patterns {
  const kept = new Map<string, Pattern | undefined>();
  return (source) => {
    const pattern = kept.has(source) ? kept.get(source) : compile(source);
    // The one that was used last goes last.
    kept.delete(source);
    kept.set(source, pattern);
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    return pattern;
  };
}

let engine: typeof RE2JS | undefined;

function compile(source: string): Pattern | undefined {
  engine ??= (createRequire(import.meta.url)("re2js") as { RE2JS: typeof RE2JS }).RE2JS;
  try {
    const compiled = engine.compile(source);
    return {
      size: compiled.programSize(),
      find: (text) => {
        const matcher = compiled.matcher(text);
        return matcher.find() ? (matcher.group() ?? undefined) : undefined;
      },
    };
  } catch {
    return undefined;
  }
}
