/** The raw limit of bash tasks: how many `bash -c true` a second a small process starts that does nothing else. */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface SpawnLoad {
  readonly commands: number;
  readonly atATime: number;
}

/** Commands a second. */
export async function spawnRate(load: SpawnLoad): Promise<number> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(load)]);
  const [rate] = (await once(child, "message")) as [number];
  return rate;
}

async function measure({ commands, atATime }: SpawnLoad): Promise<number> {
  const { env } = process;
  let begun = 0;
  const from = performance.now();
  const lane = async (): Promise<void> => {
    while (begun++ < commands) {
      const child = spawn("bash", ["-c", "true"], { env, stdio: ["ignore", "pipe", "pipe"] });
      child.stdout.resume();
      child.stderr.resume();
      await once(child, "close");
    }
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return commands / ((performance.now() - from) / 1_000);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const load = JSON.parse(process.argv[2] ?? "") as SpawnLoad;
  await measure(load);
  process.send?.(await measure(load));
  process.disconnect();
}
