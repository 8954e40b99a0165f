import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig, placesOf, readConfigFile } from "../../internal/config/config-file.ts";
import { loadSettings, settingsInForce } from "../../internal/config/load.ts";
import { fileKey, SETTINGS } from "../../internal/config/settings.ts";
import { TestFolder } from "../support/folder.ts";

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const WHOLE = `# of the whole team
nats: nats://file:1
workers: 7
queues: [a, b]
heartbeat: 2s
dead_after: 45
functions: fns.js
creds: /etc/jetdag.creds
http_port: 0
`;

describe("what stands in a file", () => {
  test("lists, numbers and text; paths begin at the file's folder", () => {
    const file = parseConfig(WHOLE, "/team/jetdag.yaml");
    expect(loadSettings("worker", { flags: {}, env: {}, file })).toMatchObject({
      nats: "nats://file:1",
      workers: 7,
      queues: ["a", "b"],
      heartbeat: 2_000,
      functions: "/team/fns.js",
      creds: "/etc/jetdag.creds",
      httpPort: 0,
    });
    expect(loadSettings("executor", { flags: {}, env: {}, file }).deadAfter).toBe(45_000);
  });

  test("flags over environment over file over defaults, and each says so", () => {
    const file = parseConfig(WHOLE, "team.yaml");
    const sources = { flags: { workers: "9" }, env: { NATS_URL: "nats://env:1", JETDAG_QUEUES: "" }, file };
    const found = new Map(settingsInForce("worker", sources).map((each) => [each.name, each]));
    const of = (name: keyof typeof SETTINGS): unknown => {
      const { value, source } = found.get(name) ?? {};
      return [value, source?.kind === "default" ? "default" : source?.name];
    };
    expect([of("workers"), of("nats"), of("queues"), of("grace"), of("id")]).toEqual([
      [9, "--workers"],
      ["nats://env:1", "NATS_URL"],
      [["a", "b"], "team.yaml:4"],
      [5_000, "default"],
      [undefined, "default"],
    ]);
  });

  test("a program passes over what is not for it", () => {
    const file = parseConfig("history_runs: 7\nloss_cap: 2\n", "x.yaml");
    expect(loadSettings("dag", { flags: {}, env: {}, file })).toMatchObject({
      lossCap: 2,
      historyRuns: 100_000,
    });
  });

  test.each(["", "# only a comment\n", "---\n"])("nothing is nothing: %j", (text) => {
    expect(parseConfig(text, "x.yaml").values.size).toBe(0);
  });

  const problem = (text: string): string => {
    try {
      parseConfig(text, "x.yaml");
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };

  test("every problem at once, with its place, the nearest name and what is allowed", () => {
    const text = "wokers: 3\ndead-after: 5s\nqueues: 7\nheartbeat: 5 parsecs\nid:\nlog_level: loud\n";
    const keys = Object.values(SETTINGS).map(fileKey);
    const allowed = keys.filter((key) => key !== "config").join(", ");
    expect(problem(text).split("\n")).toEqual([
      `x.yaml:1:1: unknown setting 'wokers'; did you mean 'workers'? Allowed here: ${allowed}`,
      `x.yaml:2:1: unknown setting 'dead-after'; did you mean 'dead_after'? Allowed here: ${allowed}`,
      "x.yaml:3:9: queues: must be a list of names, not 7",
      "x.yaml:4:12: heartbeat: '5 parsecs' is not allowed: write it like 500ms, 30s, 5m, 1h30m, or as a number of seconds",
      "x.yaml:5:1: id: has no value; give it one, or leave the line out",
      "x.yaml:6:12: log_level: 'loud' is not allowed: one of trace, debug, info, warn, error, silent",
    ]);
  });

  test.each([
    ["workers: 3\nworkers: 4\n", "x.yaml:2:1: 'workers' is there twice in this map"],
    ["- workers\n", 'x.yaml:1:1: must be a map of settings, such as `workers: 10`, not ["workers"]'],
    ["a: b: c\n", "x.yaml:1:5: not valid YAML"],
    ["config: y.yaml\n", "x.yaml:1:1: unknown setting 'config'"],
    ["workers: 2.5\n", "x.yaml:1:10: workers: '2.5' is not allowed: a whole number from 1 up"],
    ["http_port: 65536\n", "x.yaml:1:12: http_port: '65536' is not allowed: a whole number from 0 to 65535"],
    ["nats: true\n", "x.yaml:1:7: nats: must be text, not true"],
    ["queues: [a, 1]\n", 'x.yaml:1:9: queues: must be a list of names, not ["a",1]'],
    ["heartbeat: [1s]\n", 'x.yaml:1:12: heartbeat: must be a time such as 30s, not ["1s"]'],
    ["docker: 1\n", "x.yaml:1:9: docker: must be true or false, not 1"],
    ["allow_mount: /a\nallow_image: [1]\n", "x.yaml:2:14: allow_image: must be a list of images, not [1]"],
    ["docker_image: 3.11\n", "x.yaml:1:15: docker_image: must be text, not 3.11"],
    ["__proto__: 1\n", "x.yaml:1:1: unknown setting '__proto__'"],
  ])("%j", (text, message) => {
    expect(problem(text)).toContain(message);
  });

  test("what workers let tasks do is judged with the rest", () => {
    const text = [
      "workers: none",
      "allow: [bash, a b]",
      "allow_net: [public, 10.0.0.0/33]",
      'allow_mount: "/a,b c"',
      "allow_image: [python:*, 'a b']",
      "run_as: 99999999999:1",
      "types: [sensor, py]",
    ].join("\n");
    expect(problem(text).split("\n")).toEqual([
      "x.yaml:1:10: workers: 'none' is not allowed: a whole number from 1 up",
      expect.stringContaining("x.yaml:2:8: allow: 'bash,a b' is not allowed: type: must be a name"),
      expect.stringContaining(
        "x.yaml:3:12: allow_net: 'public,10.0.0.0/33' is not allowed: '10.0.0.0/33' is none of public",
      ),
      "x.yaml:4:14: allow_mount: '/a,b c' is not allowed: 'b c' is neither a path that begins with / nor the name of a volume",
      expect.stringContaining(
        "x.yaml:5:14: allow_image: 'python:*,a b' is not allowed: 'a b' is no pattern for images",
      ),
      "x.yaml:6:9: run_as: '99999999999:1' is not allowed: the name of a user, UID, or UID:GID, with numbers up to 4294967294",
      "x.yaml:7:8: types: 'sensor,py' is not allowed: 'py' is built in, which everybody knows: leave it out",
    ]);
  });

  test("the place of a setting, for who finds later that its value cannot be used", () => {
    const file = parseConfig("\nsecrets_dir: /a\nallow: [http]\n", "x.yaml");
    const sources = { flags: { allow: "bash" }, env: { JETDAG_RUN_AS: "me" }, file };
    const { originOf } = loadSettings("worker", sources);
    expect((["secretsDir", "allow", "runAs", "plugins"] as const).map(originOf)).toEqual([
      "x.yaml:2: secrets_dir",
      "--allow",
      "JETDAG_RUN_AS",
      "--plugins",
    ]);
  });

  test("a switch, a list of text and an image", () => {
    const file = parseConfig("docker: true\nallow_mount: [/a, /b:ro]\ndocker_image: busybox\n", "x.yaml");
    expect(loadSettings("worker", { flags: {}, env: {}, file })).toMatchObject({
      docker: true,
      allowMount: ["/a", "/b:ro"],
      dockerImage: "busybox",
    });
  });

  test("settings that do not go together name where each comes from", () => {
    const file = parseConfig("heartbeat: 30s\n", "x.yaml");
    expect(() => loadSettings("worker", { flags: {}, env: {}, file })).toThrow(
      "--ack-wait is 1m (by default), --heartbeat is 30s (x.yaml:1)",
    );
    expect(() => loadSettings("dag", { flags: { "dead-after": "1s" }, env: {}, file })).toThrow(
      "--dead-after is 1s, --heartbeat is 30s (x.yaml:1)",
    );
  });
});

test("the example of the documentation can be used by every program", async () => {
  const path = new URL("../../examples/configuration.yaml", import.meta.url).pathname;
  const file = await readConfigFile({ flags: { config: path }, env: {} });
  expect(file?.values.size).toBeGreaterThan(5);
  for (const command of ["dag", "look", "up", "executor", "worker"] as const) {
    expect(loadSettings(command, { flags: {}, env: {}, ...(file && { file }) }).namespace).toBe("team-a");
  }
});

describe("which file it is", () => {
  test("the current folder, else the user's", () => {
    expect(placesOf({ HOME: "/home/x" })).toEqual(["jetdag.yaml", "/home/x/.config/jetdag/jetdag.yaml"]);
    expect(placesOf({ HOME: "/home/x", XDG_CONFIG_HOME: "/cfg" })[1]).toBe("/cfg/jetdag/jetdag.yaml");
    // By the XDG specification, a relative path is to be ignored.
    expect(placesOf({ HOME: "/home/x", XDG_CONFIG_HOME: "cfg" })[1]).toBe(
      "/home/x/.config/jetdag/jetdag.yaml",
    );
    expect(placesOf({})).toEqual(["jetdag.yaml"]);
  });

  test("the user's is read; where there is none, nothing is", async () => {
    await mkdir(join(folder.path, "jetdag"));
    const path = await folder.write("jetdag/jetdag.yaml", "workers: 3\n");
    expect(await readConfigFile({ flags: {}, env: { XDG_CONFIG_HOME: folder.path } })).toMatchObject({
      path,
    });
    expect(await readConfigFile({ flags: {}, env: { HOME: "/nowhere" } })).toBeUndefined();
  });

  test("one that is named comes first, the flag's before the variable's", async () => {
    const [one, two] = [await folder.write("one.yaml", ""), await folder.write("two.yaml", "")];
    const env = { XDG_CONFIG_HOME: folder.path, JETDAG_CONFIG: one };
    expect((await readConfigFile({ flags: {}, env }))?.path).toBe(one);
    expect((await readConfigFile({ flags: { config: two }, env }))?.path).toBe(two);
  });

  test.each([
    [{ flags: { config: "/nowhere/x.yaml" }, env: {} }, "--config"],
    [{ flags: {}, env: { JETDAG_CONFIG: "/nowhere/x.yaml" } }, "JETDAG_CONFIG"],
  ])("one that is named must be there: %j", async (sources, by) => {
    await expect(readConfigFile(sources)).rejects.toThrow(
      `the configuration file that ${by} names cannot be used:\n/nowhere/x.yaml: no such file`,
    );
  });

  test("one that is there and cannot be read is not passed over", async () => {
    await mkdir(join(folder.path, "bad", "jetdag", "jetdag.yaml"), { recursive: true });
    const env = { XDG_CONFIG_HOME: join(folder.path, "bad") };
    await expect(readConfigFile({ flags: {}, env })).rejects.toThrow("is a folder, not a file");
  });
});
