/** What is made of settings when a program starts: what is wrong is told with the place of the setting, all at once. */
import { ConfigError, type Origins } from "../internal/config/load.ts";
import type { SettingName } from "../internal/config/settings.ts";
import { CannotRunAs } from "../internal/tasks/bash-user.ts";
import { FunctionsNotLoaded } from "../internal/tasks/function-threads.ts";
import { PluginsNotLoaded } from "../internal/tasks/plugins.ts";

/** What is wrong with the value of a setting, as who uses it says. */
const KNOWN = [CannotRunAs, FunctionsNotLoaded, PluginsNotLoaded];

/** Rejects with `ConfigError` where the value of the setting cannot be used. */
export async function ofSetting<T>({ originOf }: Origins, name: SettingName, making: Promise<T>): Promise<T> {
  try {
    return await making;
  } catch (error) {
    if (!(error instanceof Error) || !KNOWN.some((kind) => error instanceof kind)) throw error;
    const origin = originOf(name);
    // Some name the flag themselves.
    throw new ConfigError(error.message.startsWith(origin) ? error.message : `${origin}: ${error.message}`);
  }
}

/** All of them. Rejects with one `ConfigError` that has the messages of all. */
export async function allMade<const T extends readonly unknown[]>(
  parts: T,
): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }> {
  const settled = await Promise.allSettled(parts);
  const wrong = settled.flatMap((each): unknown[] => (each.status === "rejected" ? [each.reason] : []));
  const told = wrong.flatMap((error) => (error instanceof ConfigError ? [error.message] : []));
  if (told.length > 1 && told.length === wrong.length) throw new ConfigError(told.join("\n"));
  return Promise.all(parts);
}
