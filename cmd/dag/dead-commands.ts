/** The commands of `dag dead`. */
import type { Command } from "commander";
import { commandsOf } from "./commands.ts";
import { deadDrop, deadList, deadReplay, deadShow, type DropFlags, type LetterFlags } from "./dead.ts";

const KIND_TEXT = "only of this kind: unreadable, crashed";

export function addDead(program: Command, env: NodeJS.ProcessEnv): Command {
  const dead = program
    .command("dead")
    .description("look after dead letters: messages nobody can read, tasks that killed their workers")
    .exitOverride();
  const { addLook } = commandsOf(dead, env);
  addLook<LetterFlags>("list", "list the dead letters, newest first", ({ flags, settings }) =>
    deadList(flags, settings),
  )
    .option("--kind <kind>", KIND_TEXT)
    .option("--run <id>", "only of this run")
    .option("--since <time>", "only since then: 90m, 24h, 2026-01-31, 2026-01-31T08:00:00Z")
    .option("--limit <n>", "at most so many (default 25)");
  addLook("show <id>", "show all of a letter, with its bytes", ({ flags, settings, args: [id = ""] }) =>
    deadShow(flags, settings, id),
  );
  addLook(
    "replay <ids...>",
    "send a message again to where it came from, or retry a crashed task",
    ({ flags, settings, args }) => deadReplay(flags, settings, args),
  );
  addLook<DropFlags>(
    "drop [ids...]",
    "throw letters away, and what a log still holds of them",
    ({ flags, settings, args }) => deadDrop(flags, settings, args),
  )
    .option("--all", "all letters, or all that fit the flags below; needs --yes")
    .option("--yes", "they are meant to go")
    .option("--kind <kind>", KIND_TEXT)
    .option("--run <id>", "only of this run")
    .option("--since <time>", "only since then, as for list");
  return dead;
}
