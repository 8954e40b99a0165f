/** What a task runs: its command and the options of its type, each by itself and both together. */
import { problemsOfDocker } from "../core/docker-command.ts";
import { problemsOfHttp, REQUEST_LINE } from "../core/http-command.ts";
import { type Expressed, isExpressed } from "../core/expressed.ts";
import type { HttpTaskOptions } from "../core/http-options.ts";
import type { JsonObject } from "../core/json.ts";
import { NO_ENV, type Task } from "../core/model.ts";
import { secretsIn } from "../core/secrets.ts";
import type { TaskProblem } from "../core/task-problem.ts";
import { GATE } from "../core/task-types.ts";
import type { RawTask } from "./schema.ts";
import { inPlaceOfCommand, readOptions } from "./task-options.ts";
import type { Found } from "./text.ts";
import type { Complain } from "./to-dag.ts";

interface Surroundings {
  readonly complain: Complain;
  report(problem: Found): void;
  /** Of the task, in the definition. */
  readonly path: readonly (string | number)[];
}

export function toRun(
  raw: RawTask,
  type: string,
  { complain, report, path }: Surroundings,
): Pick<Task, "command" | "options"> {
  const at = [...path, "with"];
  const { options, problems } = readOptions(type, raw.with, at);
  for (const problem of problems) report(problem);
  const command = commandOf(raw, type, complain);
  const wrong = new Set(problems.map((problem) => String(problem.path[at.length])));
  for (const { option, message } of problemsOf({ type, command, options, env: raw.env ?? NO_ENV }, wrong)) {
    if (option === undefined) complain("command", message);
    else report({ path: [...at, option], message: `${option}: ${message}`, atKey: false });
  }
  return { command, options };
}

function commandOf(raw: RawTask, type: string, complain: Complain): string {
  if (raw.workflow_ref !== undefined) {
    if (raw.command !== undefined)
      complain("command", "workflow_ref names the function already: use one of them");
    return raw.workflow_ref;
  }
  if (type === GATE) return commandOfGate(raw, complain);
  const instead = inPlaceOfCommand(type, raw.with);
  if (raw.command !== undefined && raw.command.trim() !== "") {
    if (instead !== undefined)
      complain("command", `with.${instead} says already what to run: use one of them`);
    return raw.command;
  }
  if (instead !== undefined) return "";
  if (type === "function") return raw.id;
  if (type === "bash") complain("command", "is missing; a task of type bash needs a command: a script");
  if (type === "http" && raw.with?.url === undefined && raw.with?.method === undefined) {
    const needed = `a command: ${REQUEST_LINE}, or a url in \`with\``;
    complain("command", `is missing; a task of type http needs ${needed}`);
  }
  return raw.command ?? "";
}

function commandOfGate({ command, bindings }: RawTask, complain: Complain): string {
  if (command !== undefined) complain("command", "a gate runs nothing: leave it out");
  if (bindings !== undefined)
    complain("bindings", "a gate runs nothing that could take them: leave them out");
  return "";
}

type Run = Pick<Task, "type" | "command" | "options" | "env">;

/** `wrong` are options that are not among these since something is wrong with them, which is told already. */
function problemsOf(run: Run, wrong: ReadonlySet<string>): readonly TaskProblem[] {
  const secret = problemOfSecret(run);
  if (secret !== undefined) return [{ message: secret }];
  switch (run.type) {
    case "http":
      return problemsOfRequest(run, wrong);
    case "docker":
      return problemsOfDocker(run, wrong);
    default:
      return [];
  }
}

/** In commands that are no scripts a reference can only be meant as one, and would be sent as it stands. */
function problemOfSecret({ type, command }: Run): string | undefined {
  const isScript = type !== "http" && !(type === "docker" && command.trimStart().startsWith("{"));
  if (isScript || secretsIn(command) === undefined) return undefined;
  return "secret:// is not looked up in a command; put what names a secret into with, env or params";
}

/** What is filled in later cannot be judged here, nor can what is a secret. */
function problemsOfRequest(
  { command, options }: { readonly command: string; readonly options: JsonObject },
  wrong: ReadonlySet<string>,
): TaskProblem[] {
  const { url, ...others }: HttpTaskOptions<string | Expressed> = options;
  const given = { ...others, ...(url === undefined ? {} : { url: isExpressed(url) ? SOME_URL : url }) };
  // That nothing is there was told before.
  if (command.trim() === "" && given.url === undefined && given.method === undefined) return [];
  const texts: Readonly<Record<string, string | undefined>> = { method: given.method, url: given.url };
  return problemsOfHttp(command, given).filter(({ option }) => {
    if (option !== undefined && wrong.has(option)) return false;
    const text = option === undefined ? command : texts[option];
    return text === undefined || !isFilledInLater(text);
  });
}

/** For one that an expression gives. */
const SOME_URL = "https://example.com/";

function isFilledInLater(text: string): boolean {
  return /\$\{|\{\{|\$\(/.test(text) || text.includes("secret://");
}
