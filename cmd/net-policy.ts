/** What the setting `--allow-net` means. */
import { ConfigError } from "../internal/config/load.ts";
import { NetPolicy } from "../internal/tasks/net-policy.ts";

/** Throws `ConfigError`. */
export function netPolicyOf(entries: readonly string[]): NetPolicy {
  const policy = NetPolicy.of(entries);
  if (typeof policy === "string") throw new ConfigError(`--allow-net: ${policy}`);
  return policy;
}
