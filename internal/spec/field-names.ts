/** What fields are called, by schema. */
import { z } from "zod";
import { isMap } from "../core/not-json.ts";

/**
 * The names of the fields that may stand in the map at a path of a schema. Where maps of several kinds may stand, `value`,
 * which the path leads into, says which one it is.
 */
export function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[], value?: unknown): string[] {
  let at = schema;
  let inner = value;
  for (const part of path) {
    const next = typeof part === "number" ? itemOf(at) : fieldOf(at, String(part), inner);
    if (next === undefined) return [];
    at = next;
    inner = (inner as Record<PropertyKey, unknown> | null | undefined)?.[part];
  }
  return Object.keys(mapOf(at, inner)?.shape ?? {});
}

function itemOf(kind: z.ZodType): z.ZodType | undefined {
  if (kind instanceof z.ZodOptional) return itemOf(kind.unwrap() as z.ZodType);
  return kind instanceof z.ZodArray ? (kind.element as z.ZodType) : undefined;
}

function fieldOf(kind: z.ZodType, name: string, value: unknown): z.ZodType | undefined {
  if (kind instanceof z.ZodOptional) return fieldOf(kind.unwrap() as z.ZodType, name, value);
  if (kind instanceof z.ZodRecord) return kind.valueType as z.ZodType;
  return mapOf(kind, value)?.shape[name] as z.ZodType | undefined;
}

/** Where a field takes a map or something else, the map. */
function mapOf(kind: z.ZodType, value: unknown): z.ZodObject | undefined {
  if (kind instanceof z.ZodOptional) return mapOf(kind.unwrap() as z.ZodType, value);
  if (kind instanceof z.ZodDiscriminatedUnion) {
    const says = isMap(value) ? value[kind.def.discriminator] : undefined;
    return (kind.options as z.ZodObject[]).find(
      (map) => z.safeParse(map.shape[kind.def.discriminator] as z.ZodType, says).success,
    );
  }
  if (kind instanceof z.ZodUnion)
    return (kind.options as z.ZodType[]).map((each) => mapOf(each, value)).find((map) => map !== undefined);
  return kind instanceof z.ZodObject ? kind : undefined;
}
