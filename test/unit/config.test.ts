import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { loadSettings, unknownVariables } from "../../internal/config/load.ts";
import { addSettings, givenFlags, writtenFlag } from "../../internal/config/options.ts";
import { SETTINGS } from "../../internal/config/settings.ts";

describe("settings", () => {
  test("flags over environment over defaults", () => {
    const env = { NATS_URL: "nats://env:1", JETDAG_WORKERS: "7", JETDAG_QUEUES: "a, b" };
    const settings = loadSettings("worker", { flags: { workers: "9", heartbeat: "2s" }, env });
    expect(settings).toMatchObject({
      nats: "nats://env:1",
      workers: 9,
      queues: ["a", "b"],
      heartbeat: 2_000,
      ackWait: 60_000,
      creds: undefined,
    });
  });

  test("a command does not take the settings of another", () => {
    expect(loadSettings("executor", { flags: {}, env: { JETDAG_WORKERS: "none" } }).workers).toBe(5);
  });

  test.each([
    [{ workers: "0" }, {}, "--workers: '0' is not allowed: a whole number from 1 up"],
    [{}, { JETDAG_WORKERS: "many" }, "JETDAG_WORKERS: 'many' is not allowed"],
    [{ heartbeat: "5 parsecs" }, {}, "--heartbeat: '5 parsecs' is not allowed: write it like 500ms"],
    [
      { heartbeat: "0" },
      {},
      "--heartbeat: '0' is not allowed: it must be longer than 0; write it like 500ms",
    ],
    [{ "lease-term": "50ms" }, {}, "--lease-term: '50ms' is not allowed: it must be from 1s to 1h; write"],
    [{ "lease-term": "1000d" }, {}, "--lease-term: '1000d' is not allowed: it must be from 1s to 1h; write"],
    [{ queues: "a,b.c" }, {}, "--queues: 'a,b.c' is not allowed"],
    [{ allow: "http,a b" }, {}, "--allow: 'http,a b' is not allowed: type: must be a name: "],
    [{ "secrets-command": " " }, {}, "--secrets-command: ' ' is not allowed: it must not be empty"],
    [{}, { JETDAG_DOCKER: "perhaps" }, "JETDAG_DOCKER: 'perhaps' is not allowed: true or false"],
    [
      { "docker-image": "No" },
      {},
      "--docker-image: 'No' is not allowed: it must be the reference of an image",
    ],
    [{ "allow-mount": "/a,,/b" }, {}, "--allow-mount: '/a,,/b' is not allowed: an entry is empty"],
    [{ "allow-mount": "a/b" }, {}, "--allow-mount: 'a/b' is not allowed: 'a/b' is neither a path that"],
    [
      {},
      { JETDAG_ALLOW_NET: "a b" },
      "JETDAG_ALLOW_NET: 'a b' is not allowed: 'a b' is none of public, private",
    ],
    [{ "allow-image": "a b" }, {}, "--allow-image: 'a b' is not allowed: 'a b' is no pattern for images"],
    [{ "run-as": "4294967295" }, {}, "UID, or UID:GID, with numbers up to 4294967294"],
    [{ "run-as": "0:4294967295" }, {}, "UID, or UID:GID, with numbers up to 4294967294"],
    [{ "run-as": "a:b" }, {}, "--run-as: 'a:b' is not allowed: the name of a user, UID, or UID:GID"],
    [{ "log-level": "loud" }, {}, "one of trace, debug, info, warn, error, silent"],
    [{ heartbeat: "30s" }, {}, "--ack-wait must be at least three times --heartbeat"],
  ])("%j %j", (flags, env, message) => {
    expect(() => loadSettings("worker", { flags, env })).toThrow(message);
  });

  test("every problem at once", () => {
    const sources = { flags: { workers: "0", "allow-net": "a b" }, env: { JETDAG_GRACE: "soon" } };
    expect(() => loadSettings("worker", sources)).toThrow(
      /^--workers: '0' is [^\n]*\nJETDAG_GRACE: 'soon' is [^\n]*\n--allow-net: 'a b' is [^\n]*$/,
    );
  });

  test("types and queues have the names that tasks give them; a type that is built in needs none", () => {
    const name = "a".repeat(128);
    const load = (flags: Record<string, string>): unknown => loadSettings("check", { flags, env: {} }).types;
    expect(load({ types: `sensor, ${name}` })).toEqual(["sensor", name]);
    expect(loadSettings("worker", { flags: { queues: name }, env: {} }).queues).toEqual([name]);
    expect(() => load({ types: `${name}a` })).toThrow("type: must be a name: 1 to 128 of A-Z a-z 0-9 _ -");
    for (const type of ["bash", "shell", "golang"])
      expect(() => load({ types: `sensor,${type}` })).toThrow(
        `'${type}' is built in, which everybody knows: leave it out`,
      );
  });

  test("a connection that is gone may be a live worker's that connects again", () => {
    expect(() => loadSettings("executor", { flags: { "gone-after": "900ms" }, env: {} })).toThrow(
      "--gone-after must be at least 1s, or workers that connect again would be taken for dead: --gone-after is 900ms",
    );
    expect(loadSettings("executor", { flags: { "gone-after": "1s" }, env: {} }).goneAfter).toBe(1_000);
  });

  test("a switch is on by its flag, and by the words that people write", () => {
    const docker = (text: string): boolean =>
      loadSettings("worker", { flags: {}, env: { JETDAG_DOCKER: text } }).docker;
    expect(["", "true", "1", "Yes", "on"].map(docker)).toEqual([false, true, true, true, true]);
    expect(["false", "0", "NO", "off"].map(docker)).toEqual([false, false, false, false]);
    const program = addSettings(new Command("worker"), "worker");
    program.parse(["--docker", "--allow-mount", "/a:ro, /b"], { from: "user" });
    const flags = givenFlags(program, "worker");
    const settings = loadSettings("worker", { flags, env: {} });
    expect(settings).toMatchObject({ docker: true, allowMount: ["/a:ro", "/b"], queues: undefined });
    expect(writtenFlag(SETTINGS.docker, flags.docker ?? "")).toEqual(["--docker"]);
    expect(writtenFlag(SETTINGS.allowMount, "/a")).toEqual(["--allow-mount", "/a"]);
  });

  test("types are known by any of their names, and a command is a program and its arguments", () => {
    const flags = { allow: "shell, http,python,docker", "secrets-command": "vault  get --field value" };
    const settings = loadSettings("worker", { flags, env: {} });
    expect(settings.allow).toEqual(["bash", "http", "docker"]);
    expect(settings.secretsCommand).toEqual(["vault", "get", "--field", "value"]);
    expect(loadSettings("worker", { flags: {}, env: {} }).allow).toBeUndefined();
  });

  test("unknown variables are told, those that a cluster injects are not", () => {
    const env = {
      JETDAG_WORKER: "1",
      JETDAG_WORKERS: "1",
      JETDAG_NATS_SERVICE_HOST: "x",
      JETDAG_PORT_1_TCP: "y",
      JETDAG_SECRET_TOKEN: "t",
      "JETDAG_SECRET_db.password": "p",
      OTHER: "z",
    };
    expect(unknownVariables(env)).toEqual([
      "environment variable JETDAG_WORKER is not known; did you mean JETDAG_WORKERS?",
    ]);
  });
});
