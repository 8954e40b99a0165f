/** What the setting `--allow-net` means. */
import { NetPolicy } from "../internal/tasks/net-policy.ts";

/** Of entries that were read as settings are. */
export function netPolicyOf(entries: readonly string[]): NetPolicy {
  const policy = NetPolicy.of(entries);
  if (typeof policy === "string") throw new Error(`internal: --allow-net: ${policy}`);
  return policy;
}
