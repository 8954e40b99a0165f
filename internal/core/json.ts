/** Values as JSON can carry them: what params, outputs and everything on the wire are made of. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

export interface JsonObject {
  [key: string]: JsonValue;
}
