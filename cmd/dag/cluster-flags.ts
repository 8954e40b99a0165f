/** What leads to the same cluster from the command line. */
import type { Settings } from "../../internal/config/load.ts";
import { withoutSecrets } from "../../internal/nats/connection.ts";

/** Without secrets; what the environment says needs no flag. `given`: the settings that stand on the command line. */
export function clusterFlags(
  given: ReadonlySet<string>,
  { nats = "", creds, namespace }: Pick<Settings, "nats" | "creds" | "namespace">,
): string {
  const flags: [flag: string, value: string | undefined][] = [
    ["nats", withoutSecrets(nats)],
    ["creds", creds],
    ["namespace", namespace],
  ];
  return flags.flatMap(([flag, value]) => (given.has(flag) ? `--${flag} ${value ?? ""}` : [])).join(" ");
}
