/** What a worker lets docker tasks have, tried as somebody would who means harm, and where images come from. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import type { DockerLimits } from "../../internal/tasks/docker-policy.ts";
import { DockerPolicy } from "../../internal/tasks/docker-policy.ts";
import { callOf, contextOf, docker, openExecutor, perform, TASK_IMAGE } from "../support/docker.ts";
import { TestRegistry } from "../support/docker-registry.ts";
import { TestFolder } from "../support/folder.ts";

test.each<[DockerLimits, string, RegExp]>([
  [{ dockerImage: "No" }, "dockerImage", /reference of an image/],
  [{ allowImage: ["a b"] }, "allowImage", /no pattern/],
  [{ allowMount: ["data/in"] }, "allowMount", /'data\/in' is neither a path/],
  [{ allowMount: ["/a:/b"] }, "allowMount", /neither a path/],
])("limits that cannot be used are told: %j", (limits, option, wrong) => {
  expect(DockerPolicy.of(limits)).toEqual({ option, wrong: expect.stringMatching(wrong) as string });
});

describe.runIf(TASK_IMAGE !== undefined)("a worker", () => {
  let folder: TestFolder;
  beforeAll(async () => {
    folder = await TestFolder.make();
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const runWith = async (limits: DockerLimits, options = {}, command = "true"): Promise<TaskReturn> => {
    const executor = await openExecutor(limits);
    try {
      return await perform(executor, command, { options });
    } finally {
      executor.close();
    }
  };
  const refusal = async (limits: DockerLimits, options = {}): Promise<string> => {
    const result = await runWith(limits, options);
    expect(result).toMatchObject({ ok: false, error: { reason: "refused" } });
    return result.ok ? "" : result.error.message;
  };

  test.each([
    [{}, { network: "host" }, "network host: no worker lets a task"],
    [{}, { network: "container:abc" }, "network container:abc: no worker"],
    [{ allowImage: ["python:*"] }, {}, "is not among those of --allow-image"],
    [{ allowImage: ["python:3.*"] }, { image: "python:2.7" }, "docker.io/library/python:2.7 is not among"],
    [{ maxMemoryMb: 64 }, { memory_mb: 65 }, "memory_mb is 65, and --max-memory allows 64"],
    [{ maxCpuPercent: 50 }, { cpu_quota: 51 }, "cpu_quota is 51, and --max-cpu allows 50"],
    [{}, { volumes: ["/etc:/x"] }, "/etc is not among those of --allow-mount"],
    [{}, { volumes: ["cache:/x"] }, "cache is not among those of --allow-mount"],
    [{ allowMount: ["/srv"] }, { volumes: ["/srv/../etc:/x"] }, "/etc is not among"],
    [{ allowMount: ["/srv"] }, { volumes: ["/srvx:/x"] }, "/srvx is not among"],
    [{ allowMount: ["cache"] }, { volumes: ["/cache:/x"] }, "/cache is not among"],
    [{ allowMount: ["cache:ro"] }, { volumes: ["cache:/x"] }, "for reading alone: write cache:/x:ro"],
    [{ allowMount: ["/"] }, { volumes: ["/:/x:ro"] }, "cannot be mounted, whatever --allow-mount says"],
    [{ allowMount: ["/"] }, { volumes: ["/run:/x:ro"] }, "cannot be mounted"],
  ])("with %j refuses %j", async (limits, options, message) => {
    expect(await refusal(limits, options)).toContain(message);
  });

  test("refuses the network of the host by its id, too", async () => {
    const id = await docker("network", "inspect", "--format", "{{.Id}}", "host");
    expect(await refusal({}, { network: id })).toContain(
      "no worker lets a task into the network of its host",
    );
    expect(await refusal({}, { network: id.slice(0, 12) })).toContain("no worker lets a task");
  });

  test("takes no id of an image for its name", async () => {
    const id = await docker("image", "inspect", "--format", "{{.Id}}", TASK_IMAGE ?? "");
    const short = id.slice("sha256:".length, "sha256:".length + 12);
    for (const image of [id, short]) {
      expect(await runWith({}, { image, pull: "never" })).toMatchObject({
        error: { reason: "image-missing" },
      });
    }
  });

  describe("with a folder that is allowed", () => {
    let root: string;
    beforeAll(async () => {
      root = join(folder.path, "root");
      await mkdir(join(root, "in"), { recursive: true });
      await writeFile(join(root, "in", "a"), "data");
      await symlink("/etc", join(root, "out"));
      await symlink("in", join(root, "within"));
      await symlink(root, join(folder.path, "link-to-root"));
    });

    test("gives it, and what is in it", async () => {
      const volumes = [`${root}/in:/in`, `${root}/within:/within:ro`];
      const command = "cat /in/a /within/a; echo new >/in/b && cat /within/b; echo x >/within/c";
      const result = await runWith(
        { allowMount: [root] },
        { volumes, user: process.getuid?.() ?? 0 },
        command,
      );
      expect(result.output).toMatchObject({ stdout: "datadatanew", exit_code: 1 });
      expect(result.output?.stderr).toContain("Read-only file system");
    });

    test("may name it by a link of its own", async () => {
      const link = join(folder.path, "link-to-root");
      const options = { volumes: [`${link}/in:/in:ro`] };
      expect(await runWith({ allowMount: [link] }, options, "cat /in/a")).toMatchObject({
        output: { stdout: "data" },
      });
    });

    test("gives it for reading alone, the nearest of several", async () => {
      const allowMount = [`${root}:ro`, `${root}/in`];
      expect(await runWith({ allowMount }, { volumes: [`${root}/in:/in`] })).toMatchObject({ ok: true });
      expect(await refusal({ allowMount }, { volumes: [`${root}:/all`] })).toContain("for reading alone");
    });

    describe("and has another in it for reading alone", () => {
      const allowed = (): string[] => [root, `${root}/in:ro`];
      const holds = (): string => `it holds ${root}/in, which --allow-mount has for reading alone`;

      test("does not give what holds that to be written to", async () => {
        await mkdir(join(root, "free"), { recursive: true });
        for (const source of [root, `${root}/`, `${root}/in/..`]) {
          expect(await refusal({ allowMount: allowed() }, { volumes: [`${source}:/all`] })).toContain(
            holds(),
          );
        }
        const options = { volumes: [`${root}:/all:ro`, `${root}/free:/free`], user: process.getuid?.() ?? 0 };
        const command = "cat /all/in/a; echo x >/free/a && echo x >/all/in/a";
        expect(await runWith({ allowMount: allowed() }, options, command)).toMatchObject({
          output: { stdout: "data", exit_code: 1 },
        });
      });

      test("does not give that itself by another way", async () => {
        const link = join(folder.path, "link-to-root");
        for (const [entries, source] of [
          [allowed(), `${root}/within`],
          [[root, `${link}/within:ro`], `${root}/in`],
          [[link, `${root}/in:ro`], `${link}/in`],
        ] as const) {
          expect(await refusal({ allowMount: entries }, { volumes: [`${source}:/x`] })).toContain(
            "for reading alone",
          );
        }
        expect(await refusal({ allowMount: [link, `${root}/in:ro`] }, { volumes: [`${link}:/x`] })).toContain(
          holds(),
        );
      });

      test("before it is there, too", async () => {
        const allowMount = [root, `${root}/to-come/in:ro`];
        expect(await refusal({ allowMount }, { volumes: [`${root}:/all`] })).toContain("to-come/in, which");
      });

      test("but for what in it may be written to again", async () => {
        await mkdir(join(root, "in", "out"), { recursive: true });
        const allowMount = [...allowed(), `${root}/in/out`];
        const volumes = [`${root}/in/out:/out`];
        expect(await runWith({ allowMount }, { volumes })).toMatchObject({ ok: true });
        expect(await refusal({ allowMount }, { volumes: [`${root}/in:/x`] })).toContain("for reading alone");
      });
    });

    test("refuses links that lead out of it", async () => {
      for (const way of ["out", "out/ssl", "within/../out", "in/../../root/out"]) {
        expect(await refusal({ allowMount: [root] }, { volumes: [`${root}/${way}:/x`] })).toContain(
          `leads out of ${root} of --allow-mount`,
        );
      }
    });

    test("refuses sockets, also behind a link", async () => {
      const path = join(root, "some.sock");
      const server = createServer();
      await new Promise<void>((resolve) => {
        server.listen(path, resolve);
      });
      await symlink("some.sock", join(root, "linked.sock"));
      try {
        for (const name of ["some.sock", "linked.sock"]) {
          expect(await refusal({ allowMount: [root] }, { volumes: [`${root}/${name}:/x:ro`] })).toContain(
            "sockets of the host",
          );
        }
      } finally {
        server.close();
      }
    });

    test("says what is not there", async () => {
      expect(await runWith({ allowMount: [root] }, { volumes: [`${root}/none:/x`] })).toMatchObject({
        error: { reason: "bad-input", message: `volumes: ${root}/none is not there on the worker's host` },
      });
    });
  });

  test("gives a volume that is allowed by name, and one task what another has written", async () => {
    const name = `jetdag-test-${process.pid}`;
    const volumes = [`${name}:/cache`];
    try {
      const limits = { allowMount: [name] };
      expect(await runWith(limits, { volumes }, "echo kept >/cache/a")).toMatchObject({ ok: true });
      expect(await runWith(limits, { volumes }, "cat /cache/a")).toMatchObject({
        output: { stdout: "kept" },
      });
    } finally {
      await docker("volume", "rm", name);
    }
  });

  test("gives what it may at most, to tasks that ask for nothing", async () => {
    const executor = await openExecutor({ maxMemoryMb: 32, maxCpuPercent: 50 });
    const result = await perform(executor, "x=a; while true; do x=$x$x; done");
    executor.close();
    expect(result).toMatchObject({
      error: { reason: "out-of-memory", message: expect.stringContaining("32 MiB") as string },
    });
  });

  describe("fetches images", () => {
    let registry: TestRegistry;
    let image: string;
    let serial = 0;
    beforeAll(async () => {
      registry = await TestRegistry.start();
    });
    afterAll(() => registry[Symbol.asyncDispose]());

    const fetching = async (
      options: object,
      logged: string[] = [],
      command = "echo hi",
    ): Promise<TaskReturn> => {
      const executor = await openExecutor();
      const call = callOf(command, { options: { image, ...options } });
      try {
        return await executor.execute(call, contextOf({ log: (line) => logged.push(line) }));
      } finally {
        executor.close();
      }
    };
    const fresh = async <T>(use: () => Promise<T>): Promise<T> => {
      image = `${registry.host}/job-${++serial}:1`;
      registry.asked.length = 0;
      registry.login = undefined;
      try {
        return await use();
      } finally {
        await docker("image", "rm", "--force", image).catch(() => undefined);
      }
    };
    const manifests = (): number => registry.asked.filter((each) => each.includes("/manifests/1")).length;

    test("that are missing, once, and tells how that goes", async () => {
      await fresh(async () => {
        const logged: string[] = [];
        expect(await fetching({}, logged)).toMatchObject({ ok: true, output: { stdout: "hi" } });
        expect(logged[0]).toBe(`pulling ${image}`);
        expect(logged.join("\n")).toContain(`Status: Downloaded newer image for ${image}`);
        const asked = manifests();
        expect(await fetching({})).toMatchObject({ ok: true });
        expect(manifests()).toBe(asked);
      });
    });

    test("each time, or never", async () => {
      await fresh(async () => {
        expect(await fetching({ pull: "never" })).toMatchObject({
          error: { reason: "image-missing", message: `image ${image} is not there, and pull is never` },
        });
        expect(manifests()).toBe(0);
        expect(await fetching({ pull: "always" })).toMatchObject({ ok: true });
        const asked = manifests();
        expect(await fetching({ pull: "always" })).toMatchObject({ ok: true });
        expect(manifests()).toBeGreaterThan(asked);
      });
    });

    test("with a password, and not without", async () => {
      await fresh(async () => {
        registry.login = "user:pa/ss+word?";
        const missing = { ok: false, error: { reason: "image-missing" } };
        expect(await fetching({})).toMatchObject(missing);
        expect(await fetching({ auth: { username: "user", password: "wrong" } })).toMatchObject(missing);
        const auth = { username: "user", password: "pa/ss+word?", server: registry.host };
        expect(await fetching({ auth })).toMatchObject({ ok: true });
      });
    });

    test("and says what a registry does not have", async () => {
      await fresh(async () => {
        image = `${registry.host}/missing:1`;
        const result = await fetching({});
        expect(result).toMatchObject({ ok: false, error: { reason: "image-missing" } });
        expect(result.ok ? "" : result.error.message).toMatch(
          /^image 127\S+\/missing:1 cannot be had: .*(unknown|nothing of this name)/,
        );
      });
    });

    test("and runs what an image runs by itself", async () => {
      await fresh(async () => {
        expect(await fetching({}, [], "")).toMatchObject({ ok: true, output: { stdout: "by itself" } });
      });
    });

    test("until the task has to end", async () => {
      await fresh(async () => {
        registry.isSilent = true;
        const executor = await openExecutor();
        const controller = new AbortController();
        const call = callOf("true", { options: { image } });
        const ended = executor.execute(call, contextOf({ signal: controller.signal }));
        await registry.isAsked();
        controller.abort();
        expect(await ended).toMatchObject({ error: { reason: "cancelled" } });
        executor.close();
        registry.isSilent = false;
      });
    });
  });
});
