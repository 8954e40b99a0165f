/** Who commands run as, where that is somebody else than this process. */
import { execa } from "execa";
import { startCommand } from "./bash-spawner.ts";
import { artifactsFileOf, markOf, newScratchPath, outputFileOf } from "./scratch.ts";

/** `--run-as` cannot be done here; the message says why, and what to do. */
export class CannotRunAs extends Error {
  readonly code = "CANNOT_RUN_AS";
  constructor(user: string, why: string) {
    super(`--run-as ${user}: ${why}`);
    this.name = "CannotRunAs";
  }
}

const CHECK_GRACE_MS = 1_000;

export class BashUser {
  readonly ids: { readonly uid: number; readonly gid: number };
  /** What a login would set. */
  readonly env: Readonly<Record<string, string>>;

  private constructor(ids: BashUser["ids"], env: BashUser["env"]) {
    this.ids = ids;
    this.env = env;
  }

  /** `text` is a name, `UID` or `UID:GID`. Runs a command as that user, to see that it can be done. Rejects with `CannotRunAs`. */
  static async of(text: string): Promise<BashUser> {
    if (process.getuid?.() !== 0) {
      throw new CannotRunAs(
        text,
        `only root can run commands as somebody else, and this is user ${process.getuid?.()}`,
      );
    }
    const [name = "", group] = text.split(":");
    const known = await lookUp(name);
    const uid = known?.uid ?? (/^\d+$/.test(name) ? Number(name) : undefined);
    if (uid === undefined)
      throw new CannotRunAs(text, "there is no such user on this host; UID:GID would do");
    const gid = group === undefined ? known?.gid : Number(group);
    if (gid === undefined)
      throw new CannotRunAs(text, `no user of this host has that number; write ${uid}:GID`);
    const user = new BashUser({ uid, gid }, known?.env ?? { HOME: "/" });
    const why = await user.#problem();
    if (why !== undefined) throw new CannotRunAs(text, why);
    return user;
  }

  /** The way every command goes. */
  async #problem(): Promise<string | undefined> {
    const folder = newScratchPath();
    const paramsFile = `${folder}.params.json`;
    const { ended } = startCommand(
      {
        program: "bash",
        args: ["-c", 'read -r line < "$0" && echo done > "$1"', paramsFile, outputFileOf(folder)],
        env: { PATH: process.env.PATH ?? "" },
        mark: markOf(folder),
        folder,
        files: { [paramsFile]: "{}\n" },
        outputFile: outputFileOf(folder),
        outputLimit: CHECK_GRACE_MS,
        artifactsFile: artifactsFileOf(folder),
        hasArtifacts: false,
        cwd: folder,
        user: this.ids,
        graceMs: CHECK_GRACE_MS,
      },
      () => undefined,
      { isApart: true },
    );
    const { failed, lost, written, unreadable } = await ended;
    if (written !== undefined) return undefined;
    return (
      failed ?? lost ?? unreadable ?? "that user has no access to the folder for temporary files, see TMPDIR"
    );
  }
}

interface Known {
  readonly uid: number;
  readonly gid: number;
  readonly env: Readonly<Record<string, string>>;
}

/** As the host knows its users, which may be from a directory service. */
async function lookUp(user: string): Promise<Known | undefined> {
  const { stdout, exitCode } = await execa("getent", ["passwd", user], { reject: false });
  const [name, , uid, gid, , home] = (stdout ?? "").split(":");
  if (exitCode !== 0 || name === undefined || home === undefined) return undefined;
  return { uid: Number(uid), gid: Number(gid), env: { HOME: home, USER: name, LOGNAME: name } };
}
