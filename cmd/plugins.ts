/** The plug-ins of a process, as its settings say. */
import { ConfigError, type Settings } from "../internal/config/load.ts";
import { TASK_TYPE_NAMES } from "../internal/core/task-types.ts";
import type { TaskExecutor } from "../internal/ports/task-executor.ts";
import { nearest } from "../internal/spec/problems.ts";
import { loadPlugins } from "../internal/tasks/plugins.ts";
import { ofSetting } from "./of-setting.ts";

/** Rejects with `ConfigError`, also when a type is allowed that is neither built in nor one of theirs. */
export async function loadAllowed(
  settings: Pick<Settings, "plugins" | "allow" | "originOf">,
): Promise<readonly TaskExecutor[]> {
  const { plugins: file, allow, originOf } = settings;
  const plugins = file === undefined ? [] : await ofSetting(settings, "plugins", loadPlugins(file));
  const known = [...TASK_TYPE_NAMES, ...plugins.map(({ type }) => type)];
  const unknown = allow?.find((type) => !known.includes(type));
  if (unknown === undefined) return plugins;
  const near = nearest(unknown, known);
  const hint = near === undefined ? "" : `; did you mean '${near}'?`;
  throw new ConfigError(`${originOf("allow")}: '${unknown}' is none of ${known.join(", ")}${hint}`);
}
