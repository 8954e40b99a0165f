/** What values may be that go to tasks. */
import { type NotJson, notJson } from "../core/not-json.ts";
import { problemOfReferences } from "../core/secrets.ts";

/** The parts of a value that JSON has no form for, and texts that name what can be no secret. */
export function problemsOfValue(value: unknown): NotJson[] {
  return notJson(value, problemOfReferences);
}
