/** What docker tasks may ask for: the command in both its forms, every field, references of images. */
import { describe, expect, test } from "vitest";
import { readDockerTask } from "../../internal/core/docker-command.ts";
import { DOCKER_FIELDS, parseVolume } from "../../internal/core/docker-fields.ts";
import { imageName, ImagePatterns, parseImage } from "../../internal/core/docker-image.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { parseDag } from "../../internal/spec/parse.ts";
import { DefinitionError } from "../../internal/spec/problems.ts";
import { readDefinition } from "../../internal/spec/read.ts";
import { readWritten, writeDefinition } from "../../internal/spec/write.ts";

const HEX = "ab12".repeat(16);

function read(command: string, options: JsonObject = {}, env = {}): unknown {
  return readDockerTask({ command, options, env });
}

describe("the command", () => {
  test("is text for a shell", () => {
    expect(read("python -c 'print(1)'")).toEqual({ command: "python -c 'print(1)'", env: {} });
    expect(read("(echo {})", { memory_mb: 64 }, { A: "1" })).toEqual({
      command: "(echo {})",
      env: { A: "1" },
      memory_mb: 64,
    });
  });

  test("may have the JSON form, whose variables go over those of the task", () => {
    const form = {
      image: "python:3.11-slim",
      command: "python script.py",
      env: { DATABASE_URL: "postgres://…", A: "2" },
      volumes: ["/host/path:/container/path"],
      working_dir: "/srv",
      network: "none",
      memory_mb: 512,
      cpu_quota: 50,
      remove_on_exit: false,
    };
    const all = { ...form, env: { A: "2", B: "1", DATABASE_URL: "postgres://…" } };
    expect(read(`\n  ${JSON.stringify(form)}`, {}, { A: "1", B: "1" })).toEqual(all);
  });

  test.each([
    ["{ echo a; }", "begins with { and is no JSON"],
    ["{", "begins with { and is no JSON"],
    ['{"command": "x"} y', "begins with { and is no JSON"],
    ['{"command": ["x"]}', "command of the JSON form must be text"],
    ['{"command": "a\\u0000b"}', "command of the JSON form must be text"],
    ['{"command": "x", "env": {"A": 1}}', "env of the JSON form must be a map of names to text"],
    ['{"command": "x", "env": {"A=B": "1"}}', "env of the JSON form"],
    ['{"command": "x", "env": {"A": "secret://B"}}', "names a secret; put it into env of the task"],
    [
      '{"command": "x", "privileged": true}',
      "unknown field 'privileged' in the JSON form; use image, command",
    ],
    ['{"command": "x", "cap_add": ["ALL"]}', "unknown field 'cap_add'"],
    ['{"command": "x", "__proto__": {"user": "0"}}', "unknown field '__proto__'"],
    ['{"command": "x", "constructor": 1}', "unknown field 'constructor'"],
    ['{"command": "x", "user": "root"}', "'user' is no field of the JSON form; it goes into with"],
    ['{"command": "x", "memory_mb": -1}', "memory_mb: must be a whole number from 6"],
    ['{"command": "x", "memory_mb": "1g"}', "memory_mb: must be a whole number"],
    ['{"command": "x", "memory_mb": 1e300}', "memory_mb: must be a whole number"],
    ['{"command": "x", "cpu_quota": 1000000000}', "cpu_quota: must be a whole number from 1 to 100000"],
    ['{"command": "x", "cpu_quota": 0}', "cpu_quota: must be"],
    ['{"command": "x", "volumes": "/a:/b"}', "volumes: must be a list"],
    ['{"command": "x", "remove_on_exit": "no"}', "remove_on_exit: must be true or false"],
    ['{"image": ""}', "image: must be the reference of an image"],
    ['{"image": null}', "image: must be text"],
    ["{}", "command: a docker task needs a command, an entrypoint, or an image that has one"],
    ["  ", "command: a docker task needs a command, an entrypoint, or an image that has one"],
  ])("%s is refused", (command, message) => {
    expect(read(command)).toContain(message);
  });

  test("does not name again what the options name", () => {
    expect(read('{"command": "x", "memory_mb": 64}', { memory_mb: 128 })).toBe(
      "with.memory_mb: stands in the command too; use one of them",
    );
  });

  test("may be missing where the image has one", () => {
    expect(read("", { image: "team/job" })).toEqual({ command: "", env: {}, image: "team/job" });
    expect(read("", { image: "team/job", entrypoint: [] })).toMatchObject({ entrypoint: [] });
  });

  test("may be missing where the entry point says what to run", () => {
    expect(read("", { entrypoint: ["python", "-V"] })).toMatchObject({ entrypoint: ["python", "-V"] });
    expect(read("", { image: "team/job", entrypoint: ["job"] })).toMatchObject({ entrypoint: ["job"] });
    // What the worker's own image runs by itself is nobody's task.
    expect(read("", { entrypoint: [] })).toContain("needs a command, an entrypoint");
  });

  test("is judged when a file is read, and written back as it was", () => {
    const parse = (command: string): unknown =>
      parseDag(`name: x\ntasks:\n  - { id: a, type: py, command: ${JSON.stringify(command)} }`, {
        file: "f",
      });
    expect(() => parse("{ echo; }")).toThrow("f:3:33: command: the command begins with { and is no JSON");
    expect(() => parse('{"command": "x", "priviledged": 1}')).toThrow("f:3:33: command: unknown field");
    const definition = {
      name: "x",
      tasks: [
        {
          id: "a",
          type: "docker",
          command: '{"command":"x","cpu_quota":150}',
          with: { user: 1000, gpus: ["GPU-3a23c669", 1] },
        },
      ],
    };
    const dag = readDefinition(definition);
    expect(dag.tasks[0]).toMatchObject({
      queue: "docker",
      options: { user: 1_000, gpus: ["GPU-3a23c669", 1] },
    });
    expect(readWritten(writeDefinition(dag))).toEqual(dag);
    expect(() =>
      readDefinition({ name: "x", tasks: [{ id: "a", type: "docker", with: { image: "No" } }] }),
    ).toThrow(/^tasks\[0\]\.with\.image: image: must be the reference of an image[^\n]*$/);
  });
});

describe("in a file all problems are told at once, each where it is", () => {
  function problemsOf(task: JsonObject): string[] {
    try {
      readDefinition({ name: "x", tasks: [{ id: "a", type: "docker", ...task }] });
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      return error.message.split("\n").map((line) => line.replace("tasks[0].", ""));
    }
    return [];
  }

  test("of every option, and of the command", () => {
    const wrong = {
      memory_mb: "1g",
      working_dir: "srv",
      volumes: ["/a"],
      tmpfs: { tmp: 1 },
      labels: { "jetdag.run": "x" },
      bogus: 1,
    };
    const problems = problemsOf({ command: "{ echo; }", with: wrong });
    expect(problems).toEqual([
      "with.memory_mb: memory_mb: must be a whole number from 6 to 16777216, not '1g'",
      expect.stringContaining("with.bogus: unknown field 'bogus'. Allowed here: image, entrypoint"),
      "with.working_dir: working_dir: must be a path that begins with /",
      expect.stringContaining("with.volumes: volumes: '/a' is no volume"),
      "with.tmpfs: tmpfs: tmp: must be a path that begins with /",
      expect.stringContaining("with.labels: labels: 'jetdag.run' cannot be a label"),
      expect.stringContaining("command: command: the command begins with { and is no JSON"),
    ]);
  });

  test("of options that have to do with others", () => {
    const auth = { username: "u", password: "p", server: "evil.example" };
    expect(problemsOf({ command: "x", with: { auth } })).toEqual([
      "with.auth: auth: is for the registry of an image; name the image, too",
    ]);
    expect(problemsOf({ with: { image: "python", auth } })).toEqual([
      expect.stringContaining("with.auth: auth: server is evil.example, but the image is from docker.io"),
    ]);
    expect(problemsOf({ command: '{"image": "python", "memory_mb": 1}', with: { image: "alpine" } })).toEqual(
      [
        expect.stringContaining("command: command: memory_mb: must be a whole number"),
        "with.image: image: stands in the command too; use one of them",
      ],
    );
  });

  test("and none that follows from another", () => {
    expect(problemsOf({ with: { image: "No", auth: { username: "u", password: "p" } } })).toHaveLength(1);
    expect(problemsOf({ with: { entrypoint: "sh" } })).toHaveLength(1);
    expect(problemsOf({ command: '{"image": "python"}', with: { image: 5 } })).toHaveLength(2);
  });
});

describe("options", () => {
  const FINE: JsonObject = {
    image: `registry.example.com:5000/team/app@sha256:${HEX}`,
    entrypoint: ["python", "-c", ""],
    working_dir: "/srv",
    user: "1000:users",
    network: "my_net-1.x",
    volumes: ["/a:/b", "/c:/d:ro", "cache:/e:rw"],
    memory_mb: 6,
    cpu_quota: 250,
    pids_limit: 1,
    gpus: "all",
    read_only: true,
    tmpfs: { "/tmp": 64 },
    labels: { tier: "" },
    pull: "always",
    auth: { username: "u", password: "p", server: "https://registry.example.com:5000/v2/" },
    remove_on_exit: true,
  };

  test("that are fine are kept as they are", () => {
    expect(Object.keys(FINE).toSorted()).toEqual(DOCKER_FIELDS.toSorted());
    expect(read("x", FINE)).toEqual({ ...FINE, command: "x", env: {} });
  });

  test.each<[JsonObject, string]>([
    [{ privileged: true }, "unknown field 'privileged'"],
    [{ security_opt: ["seccomp=unconfined"] }, "unknown field 'security_opt'"],
    [{ entrypoint: "sh" }, "entrypoint: must be a list of text"],
    [{ entrypoint: ["a\0b"] }, "entrypoint: must be a list of text"],
    [{ working_dir: "srv" }, "working_dir: must be a path"],
    [{ user: -1 }, "user: must be a user"],
    [{ user: 1.5 }, "user: must be a user"],
    [{ user: "a b" }, "user: must be a user"],
    [{ user: "0:0:0" }, "user: must be a user"],
    [{ network: "ns:/proc/1/ns/net" }, "network: must be bridge"],
    [{ network: "" }, "network: must be bridge"],
    [{ volumes: ["/a"] }, "'/a' is no volume"],
    [{ volumes: ["/a:/b:Z"] }, "is no volume"],
    [{ volumes: ["/a:/b:ro:rw"] }, "is no volume"],
    [{ volumes: ["a/b:/b"] }, "is no volume"],
    [{ volumes: ["../etc:/b"] }, "is no volume"],
    [{ volumes: ["/a:b"] }, "is no volume"],
    [{ volumes: ["/a\0:/b"] }, "must be a list of text"],
    [{ volumes: ["/a:/b/../.."] }, "must not have .. in it"],
    [{ volumes: ["/a://."] }, "must not be /"],
    [{ volumes: ["/a:/jetdag/x"] }, "must not be in /jetdag"],
    [
      { volumes: ["/a:/proc"] },
      "volumes: '/a:/proc': the target must not be in /proc, which is the system's",
    ],
    [{ volumes: ["/a://sys/./fs"] }, "must not be in /sys, which is the system's"],
    [{ volumes: ["/a:/dev/"] }, "must not be /dev, which is the system's"],
    [{ tmpfs: { "/proc/x": 1 } }, "tmpfs: /proc/x: must not be in /proc"],
    [{ volumes: ["/a:/b", "/c:/b"] }, "have the target /b twice"],
    [{ pids_limit: 0 }, "pids_limit: must be"],
    [{ gpus: 0 }, "gpus: must be all, a list of device ids, or a whole number from 1 to 64"],
    [{ gpus: "none" }, "gpus: must be all, a list"],
    [{ gpus: [] }, "gpus: must be all, a list"],
    [{ gpus: ["0,1"] }, "gpus: must be all, a list"],
    [{ gpus: [-1] }, "gpus: must be all, a list"],
    [{ tmpfs: ["/tmp"] }, "tmpfs: must be a map"],
    [{ tmpfs: { "/tmp": -1 } }, "tmpfs: /tmp: must be a whole number"],
    [{ tmpfs: { tmp: 1 } }, "tmpfs: tmp: must be a path"],
    [{ labels: { "jetdag.process": "1-1" } }, "names that begin with jetdag. are taken"],
    [{ labels: { a: 1 } }, "labels: must be a map of names to text"],
    [{ pull: "sometimes" }, "pull: must be one of always, missing, never"],
    [{ auth: { username: "u", password: "p" } }, "auth: is for the registry of an image"],
    [{ image: "a", auth: "u:p" }, "auth: must be a map"],
    [{ image: "a", auth: { username: "u" } }, "auth: needs username and password"],
    [
      { image: "a", auth: { username: "u", password: "p", token: "t" } },
      "auth: has an unknown field 'token'",
    ],
    [
      { image: "a", auth: { username: "u", password: "p", server: "evil.example" } },
      "auth: server is evil.example, but the image is from docker.io",
    ],
  ])("%j is refused", (options, message) => {
    expect(read("x", options)).toContain(message);
  });

  test("a volume says whether it can be written to", () => {
    expect(parseVolume("/a b:/c:ro")).toEqual({ source: "/a b", target: "/c", readOnly: true });
    expect(parseVolume("cache:/c")).toEqual({ source: "cache", target: "/c", readOnly: false });
  });
});

describe("images", () => {
  test.each([
    ["python", "docker.io/library/python:latest"],
    ["python:3.11-slim", "docker.io/library/python:3.11-slim"],
    ["team/app", "docker.io/team/app:latest"],
    ["docker.io/python", "docker.io/library/python:latest"],
    ["index.docker.io/team/app:1", "docker.io/team/app:1"],
    ["localhost/app", "localhost/app:latest"],
    ["127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b:1"],
    [`app:1@sha256:${HEX}`, `docker.io/library/app@sha256:${HEX}`],
    // An engine would take the short one for the id of an image.
    ["abcdef123456", "docker.io/library/abcdef123456:latest"],
    [`sha256:${HEX}`, `docker.io/library/sha256:${HEX}`],
  ])("%s is %s", (text, name) => {
    const image = parseImage(text);
    expect(typeof image === "string" ? image : imageName(image)).toBe(name);
  });

  test.each([
    "",
    "Python",
    "a//b",
    "a:",
    "a:b:c",
    "a@b",
    "-a",
    "a b",
    "a\nb",
    "../a",
    "/a",
    `a@${HEX}`,
    "a".repeat(600),
  ])("%j is none", (text) => {
    expect(parseImage(text)).toContain("must be the reference of an image");
  });

  const allows = (patterns: string[], image: string): boolean => {
    const [read, reference] = [ImagePatterns.of(patterns), parseImage(image)];
    if (typeof read === "string" || typeof reference === "string")
      throw new Error(`cannot read ${patterns.join()} ${image}`);
    return read.allows(reference);
  };

  test.each([
    ["python:*", "python:3.11"],
    ["python:*", "python"],
    ["python", "docker.io/library/python:3"],
    ["python:*", `python@sha256:${HEX}`],
    ["python:3.*", "python:3.11"],
    ["registry.example.com/team/*", "registry.example.com/team/a/b:1"],
    ["*.example.com/app", "eu.example.com/app:2"],
    [`app@sha256:${HEX}`, `app@sha256:${HEX}`],
    ["*", "anything/at:all"],
    ["other,python:3", "python:3"],
  ])("%s allows %s", (patterns, image) => {
    expect(allows(patterns.split(","), image)).toBe(true);
  });

  test.each([
    ["python:*", "python-evil:1"],
    ["python:*", "evil/python:1"],
    ["python:*", "evil.example/library/python:1"],
    ["python:3.*", "python:2.7"],
    // A digest is any image of the repository, whatever the tag beside it says.
    ["python:3.*", `python:3.1@sha256:${HEX}`],
    [`app@sha256:${HEX}`, "app:latest"],
    ["registry.example.com/team/*", "registry.example.com/teams/a"],
    ["registry.example.com/*", "registryxexample.com/a:1"],
    ["*.example.com/app", "example.com.evil.org/app"],
    ["python", "abcdef123456"],
  ])("%s does not allow %s", (pattern, image) => {
    expect(allows([pattern], image)).toBe(false);
  });

  test.each(["", "a b", "a:", "a@", "a:b:c", "a@b@c", "a^b", "(a"])("%j is no pattern", (pattern) => {
    expect(ImagePatterns.of(["python", pattern])).toBe(
      `'${pattern}' is no pattern for images such as python:*, registry.example.com/team/* or *`,
    );
  });
});
