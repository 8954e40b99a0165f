// Checks values by schemas of any library that keeps to standardschema.dev.

/** @import { StandardSchemaV1 } from "@standard-schema/spec" */

const MAX_ISSUES = 5;

/**
 * What the schema makes of the value, or what is wrong with it: each place with what is allowed there. Rejects with what
 * the schema throws.
 *
 * @param {StandardSchemaV1 | undefined} schema
 * @param {unknown} value
 * @param {string} name of the value
 * @returns {Promise<{ readonly value: unknown } | { readonly wrong: string }>}
 */
export async function checkBy(schema, value, name) {
  if (schema === undefined) return { value };
  const checked = await schema["~standard"].validate(value);
  if (checked.issues === undefined) return { value: checked.value };
  const told = checked.issues
    .slice(0, MAX_ISSUES)
    .map(({ path = [], message }) => `${placeOf(name, path)}: ${message.replaceAll(/\s*\n\s*/g, " ")}`);
  const more = checked.issues.length - told.length;
  return { wrong: [...told, ...(more > 0 ? [`and ${more} more`] : [])].join("; ") };
}

/**
 * `params.rows[0].id`
 *
 * @param {string} name
 * @param {NonNullable<StandardSchemaV1.Issue["path"]>} path
 */
function placeOf(name, path) {
  return path.reduce((/** @type {string} */ place, segment) => {
    const key = typeof segment === "object" ? segment.key : segment;
    return typeof key === "number" ? `${place}[${key}]` : `${place}.${String(key)}`;
  }, name);
}
