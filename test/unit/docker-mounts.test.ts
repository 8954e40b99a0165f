/** Are the folders held back in which engines have their sockets, also those of engines that a user runs without root? */
import { expect, test, vi } from "vitest";
import { MountRoots } from "../../internal/tasks/docker-mounts.ts";

// Not every machine has them.
vi.mock("node:fs/promises", () => ({
  realpath: (path: string) => Promise.resolve(path),
  stat: () => Promise.resolve({ isSocket: () => false }),
}));

async function judge(source: string): Promise<unknown> {
  const roots = MountRoots.of(["/"]);
  if (typeof roots === "string") throw new Error(roots);
  return roots.judge(`${source}:/x:ro`, "/srv/engine/own.sock");
}

test.each([
  ...["/", "/run", "/run/podman", "/run/containerd", "/srv/engine"],
  ...["/run/user", "/run/user/1000", "/run/user/1000/podman"],
])("%s is refused", async (source) => {
  expect(await judge(source)).toMatchObject({
    reason: "refused",
    message: expect.stringContaining(
      `volume ${source}: sockets of the host, and folders that hold`,
    ) as string,
  });
});

test.each(["/srv/data", "/run/user/1000/app", "/run/users", "/home/run/user/1000"])(
  "%s is none of them",
  async (source) => {
    expect(await judge(source)).toMatchObject({ kind: "folder", source });
  },
);
