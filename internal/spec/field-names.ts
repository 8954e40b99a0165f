/** What fields are called, by schema. */
import { z } from "zod";

/** The names of the fields that may stand in the map at a path of a schema. */
export function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at = schema;
  for (const part of path) {
    const next = typeof part === "number" ? itemOf(at) : mapOf(at)?.shape[part as string];
    if (next === undefined) return [];
    at = next;
  }
  return Object.keys(mapOf(at)?.shape ?? {});
}

function itemOf(kind: z.ZodType): z.ZodType | undefined {
  if (kind instanceof z.ZodOptional) return itemOf(kind.unwrap() as z.ZodType);
  return kind instanceof z.ZodArray ? (kind.element as z.ZodType) : undefined;
}

/** Where a field takes a map or something else, the map. */
function mapOf(kind: z.ZodType): z.ZodObject | undefined {
  if (kind instanceof z.ZodOptional) return mapOf(kind.unwrap() as z.ZodType);
  if (kind instanceof z.ZodUnion)
    return (kind.options as z.ZodType[]).map(mapOf).find((map) => map !== undefined);
  return kind instanceof z.ZodObject ? kind : undefined;
}
