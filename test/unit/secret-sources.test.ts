/** Where secrets come from, and what becomes of those that cannot be read. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, symlink } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NoSecret, type Secrets } from "../../internal/ports/secrets.ts";
import { SecretCommand } from "../../internal/tasks/secret-command.ts";
import {
  problemOfCommand,
  secretsFrom,
  secretsOfEnvironment,
  secretsOfFolder,
} from "../../internal/tasks/secret-sources.ts";
import { TestFolder } from "../support/folder.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { isRunning } from "../support/processes.ts";
import { until } from "../support/until.ts";

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

/** Why there is no such secret. */
async function whyNot(secrets: Pick<Secrets, "get">, name: string): Promise<string> {
  const error: unknown = await secrets.get(name).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NoSecret);
  return (error as NoSecret).message;
}

test("the environment comes before the folder, the folder before the command; who has none is left out", async () => {
  const dir = `${folder.path}/order`;
  await mkdir(dir);
  for (const name of ["A", "B"]) await folder.write(`order/${name}`, `${name} of the folder`);
  const command = await program("order.sh", 'echo "$1 of the command"');
  const secrets = secretsFrom(
    [
      secretsOfEnvironment({ JETDAG_SECRET_A: "A of the environment", JETDAG_SECRET_B: "" }),
      secretsOfFolder(dir),
      command.source,
    ],
    "do something",
  );
  expect(await Promise.all(["A", "B", "C"].map((name) => secrets.get(name)))).toEqual([
    "A of the environment",
    "B of the folder",
    "C of the command",
  ]);
});

test("what is nowhere says where it was looked for, and what to do", async () => {
  const secrets = secretsFrom([secretsOfEnvironment({}), secretsOfFolder(folder.path)], "do something");
  expect(await whyNot(secrets, "my.key")).toBe(
    `there is no variable JETDAG_SECRET_my.key or file ${folder.path}/my.key; do something`,
  );
});

describe("a folder", () => {
  const inFolder = (path = folder.path): Secrets => secretsFrom([secretsOfFolder(path)], "");

  test.each([
    ["a newline at the end", "value\n", "value"],
    ["one of Windows", "value\r\n", "value"],
    ["none", "value", "value"],
    ["blanks and more newlines, which are its own", " a\nb \n\n", " a\nb \n"],
    ["another script", "пароль ü", "пароль ü"],
  ])("%s", async (_name, text, value) => {
    await folder.write("file", text);
    expect(await inFolder().get("file")).toBe(value);
  });

  test("as Kubernetes mounts it, also after it was changed", async () => {
    const mount = `${folder.path}/mount`;
    for (const version of ["one", "two"]) {
      await mkdir(`${mount}/..${version}`, { recursive: true });
      await folder.write(`mount/..${version}/db-password`, `${version}\n`);
    }
    await symlink("..one", `${mount}/..data`);
    await symlink("..data/db-password", `${mount}/db-password`);
    expect(await inFolder(mount).get("db-password")).toBe("one");
    await symlink("..two", `${mount}/..new`);
    await rename(`${mount}/..new`, `${mount}/..data`);
    expect(await inFolder(mount).get("db-password")).toBe("two");
  });

  test("what is no readable text is told, and nothing of what it holds", async () => {
    await mkdir(`${folder.path}/sub`);
    await folder.write("binary", "");
    execFileSync("sh", ["-c", `printf 'secret\\377' > ${folder.path}/binary; mkfifo ${folder.path}/pipe`]);
    await folder.write("large", "x".repeat(65_537));
    await folder.write("fits", "x".repeat(65_536));
    await symlink("loop", `${folder.path}/loop`);
    const path = folder.path;
    expect(await whyNot(inFolder(), "sub")).toBe(`the file ${path}/sub cannot be read: it is no file`);
    expect(await whyNot(inFolder(), "pipe")).toBe(`the file ${path}/pipe cannot be read: it is no file`);
    expect(await whyNot(inFolder(), "binary")).toBe(
      `the file ${path}/binary cannot be read: it is no text in UTF-8`,
    );
    expect(await whyNot(inFolder(), "large")).toContain("it has more than 65536 bytes");
    expect(await whyNot(inFolder(), "loop")).toContain("ELOOP");
    expect(await inFolder().get("fits")).toHaveLength(65_536);
  });
});

/** A command of this script, with what it takes to watch it. */
async function program(
  name: string,
  script: string,
  ...args: string[]
): Promise<{ source: SecretCommand; secrets: Secrets; clock: ManualClock; troubles: string[] }> {
  const file = await folder.write(name, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  const clock = new ManualClock();
  const troubles: string[] = [];
  const onTrouble = (what: string, error: string): void => void troubles.push(`${what}: ${error}`);
  const source = new SecretCommand({ command: [file, ...args], clock, onTrouble });
  return { source, secrets: secretsFrom([source], ""), clock, troubles };
}

describe("a command", () => {
  test("has the name as its last argument, as it stands, and no shell", async () => {
    const { secrets } = await program("args.sh", 'printf "%s|" "$@"; echo', "--field", "$(id)");
    expect(await secrets.get("a.b-c")).toBe("--field|$(id)|a.b-c|");
  });

  test("is called once for many who ask, and again after half a minute, or after it has failed", async () => {
    const { secrets, clock } = await program(
      "count.sh",
      `echo x >> ${folder.path}/calls-$1; [ $1 = good ] || [ -e ${folder.path}/mended ] || exit 3; wc -l < ${folder.path}/calls-$1`,
    );
    const calls = async (name: string): Promise<number> =>
      (await readFile(`${folder.path}/calls-${name}`, "utf8")).split("\n").length - 1;
    await Promise.all(Array.from({ length: 20 }, () => secrets.get("good")));
    expect(await calls("good")).toBe(1);
    await clock.advance(29_000);
    await secrets.get("good");
    expect(await calls("good")).toBe(1);
    await clock.advance(1_000);
    expect((await secrets.get("good")).trim()).toBe("2");
    expect(await whyNot(secrets, "bad")).toContain("has ended with exit code 3");
    await folder.write("mended", "");
    expect((await secrets.get("bad")).trim()).toBe("2");
  });

  test("that fails says so; what it prints on stderr is for who runs the worker", async () => {
    const { secrets, troubles } = await program(
      "fails.sh",
      "echo token expired >&2; echo never shown; exit 7",
    );
    const message = `the command ${folder.path}/fails.sh X has ended with exit code 7`;
    expect(await whyNot(secrets, "X")).toBe(message);
    expect(troubles).toEqual([`${message}: token expired`]);
  });

  test.each([
    ["that is ended by a signal", "kill -SEGV $$", "was ended by SIGSEGV"],
    ["that prints without an end", "yes", "has printed more than 65536 bytes"],
    ["that prints what is no text", "printf '\\377\\376'", "odd.sh X has printed is no text in UTF-8"],
  ])("%s", async (_name, script, message) => {
    const { secrets } = await program("odd.sh", script);
    expect(await whyNot(secrets, "X")).toContain(message);
  });

  test("that is not there", async () => {
    const source = new SecretCommand({
      command: ["/no/such"],
      clock: new ManualClock(),
      onTrouble: () => undefined,
    });
    expect(await whyNot(secretsFrom([source], ""), "X")).toBe(
      "the command /no/such X could not be started: ENOENT",
    );
  });

  test("that hangs is ended after its time, with all that it has started", async () => {
    const pids = `${folder.path}/pids`;
    const { secrets, clock } = await program(
      "hangs.sh",
      `trap '' TERM; sleep 1000 & echo $$ $! > ${pids}.new; mv ${pids}.new ${pids}; wait; wait`,
    );
    const asked = whyNot(secrets, "X");
    await until(() => existsSync(pids));
    await clock.advance(10_000);
    expect(await asked).toBe(`the command ${folder.path}/hangs.sh X has not ended within 10 s`);
    const started = (await readFile(pids, "utf8")).trim().split(" ").map(Number);
    expect(started).toHaveLength(2);
    await until(() => started.every((pid) => !isRunning(pid)));
  });
});

test("a command whose program is not there, or may not be executed, is known before it is asked", async () => {
  await mkdir(`${folder.path}/bin`);
  await folder.write("bin/plain", "#!/bin/sh\n");
  await folder.write("bin/fine", "#!/bin/sh\n");
  await chmod(`${folder.path}/bin/fine`, 0o755);
  const env = { PATH: `/nowhere:${folder.path}/bin` };
  expect(problemOfCommand(["fine", "--field", "x"], env)).toBeUndefined();
  expect(problemOfCommand([`${folder.path}/bin/fine`], {})).toBeUndefined();
  expect(problemOfCommand(["sh"], {})).toBeUndefined();
  expect(problemOfCommand(["nosuchprog"], env)).toBe(
    "there is no program 'nosuchprog' in the folders of PATH",
  );
  expect(problemOfCommand(["plain"], env)).toBe(`${folder.path}/bin/plain may not be executed`);
  expect(problemOfCommand(["./nosuchprog"], env)).toBe("there is no program ./nosuchprog");
  expect(problemOfCommand([`${folder.path}/bin`], env)).toBe(`there is no program ${folder.path}/bin`);
});
