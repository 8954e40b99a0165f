/** Where secrets are looked for, as the settings say. */
import { statSync } from "node:fs";
import { ConfigError, type Settings } from "../internal/config/load.ts";
import { systemClock } from "../internal/memory/system.ts";
import type { Observer } from "../internal/ports/observer.ts";
import type { Secrets } from "../internal/ports/secrets.ts";
import { SecretCommand } from "../internal/tasks/secret-command.ts";
import {
  problemOfCommand,
  secretsFrom,
  secretsOfEnvironment,
  secretsOfFolder,
} from "../internal/tasks/secret-sources.ts";

type Of = Pick<Settings, "secretsDir" | "secretsCommand" | "originOf">;

/** Throws `ConfigError` when the folder or the program of a command is none. */
export function secretsOf(settings: Of, observer: Observer): Secrets {
  const problems = problemsOf(settings);
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  const { secretsDir, secretsCommand } = settings;
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

function problemsOf({ secretsDir, secretsCommand, originOf }: Of): string[] {
  const isFolder =
    secretsDir === undefined || statSync(secretsDir, { throwIfNoEntry: false })?.isDirectory() === true;
  const command = secretsCommand === undefined ? undefined : problemOfCommand(secretsCommand);
  return [
    ...(isFolder ? [] : [`${originOf("secretsDir")}: there is no folder ${secretsDir}`]),
    ...(command === undefined ? [] : [`${originOf("secretsCommand")}: ${command}`]),
  ];
}
