/** `dag completion SHELL` prints a script; the shell then asks `dag complete -- …` for what fits. */
import completion from "@bomb.sh/tab";
import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

/**
 * The library's script for bash needs the package bash-completion, completes no files, and cannot be read twice.
 * Where nothing of ours fits, bash completes files.
 */
const BASH = `_dag_complete() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == :* ]] || COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(dag complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _dag_complete dag
`;

export function addCompletion(program: Command): void {
  tab(program, { completionCommandName: "completion" });
  const command = program.commands.find((each) => each.name() === "completion");
  command?.action((shell: string) => {
    if (shell === "bash") process.stdout.write(BASH);
    else completion.setup(program.name(), program.name(), shell);
  });
}
