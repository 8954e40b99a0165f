/** Where secrets are looked for, as the settings say. */
import { statSync } from "node:fs";
import { ConfigError, type Settings } from "../internal/config/load.ts";
import { systemClock } from "../internal/memory/system.ts";
import type { Observer } from "../internal/ports/observer.ts";
import type { Secrets } from "../internal/ports/secrets.ts";
import { SecretCommand } from "../internal/tasks/secret-command.ts";
import { secretsFrom, secretsOfEnvironment, secretsOfFolder } from "../internal/tasks/secret-sources.ts";

/** Throws `ConfigError` when the folder is none. */
export function secretsOf(
  { secretsDir, secretsCommand }: Pick<Settings, "secretsDir" | "secretsCommand">,
  observer: Observer,
): Secrets {
  if (secretsDir !== undefined && statSync(secretsDir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ConfigError(`--secrets-dir: there is no folder ${secretsDir}`);
  }
  const onTrouble = (what: string, error: string): void => observer.observe({ kind: "trouble", what, error });
  const sources = [
    secretsOfEnvironment(),
    ...(secretsDir === undefined ? [] : [secretsOfFolder(secretsDir)]),
    ...(secretsCommand === undefined
      ? []
      : [new SecretCommand({ command: secretsCommand, clock: systemClock, onTrouble })]),
  ];
  return secretsFrom(
    sources,
    "set it where the task runs; --secrets-dir and --secrets-command name more places",
  );
}
