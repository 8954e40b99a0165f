/** `dag validate FILE…` */
import { orphansOf } from "../../internal/core/check.ts";
import { loadDag } from "../../internal/spec/parse.ts";
import { DefinitionError } from "../../internal/spec/problems.ts";
import { counted } from "../../internal/telemetry/text.ts";

/** All problems of all files; exit code 2 when there is any. */
export async function validate(
  files: readonly string[],
  { json, types }: { readonly json: boolean; readonly types: readonly string[] },
): Promise<number> {
  let code = 0;
  for (const file of files) {
    try {
      const dag = await loadDag(file, { types });
      if (json) {
        process.stdout.write(
          `${JSON.stringify({ file, valid: true, dag: dag.name, tasks: dag.tasks.length, problems: [] })}\n`,
        );
        continue;
      }
      process.stdout.write(`${file}: DAG '${dag.name}' is valid (${counted(dag.tasks.length, "task")})\n`);
      const orphans = orphansOf(dag);
      if (orphans.length > 0 && orphans.length < dag.tasks.length) {
        process.stderr.write(
          `${file}: warning: neither dependencies nor dependents: ${orphans.join(", ")}\n`,
        );
      }
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      code = 2;
      const none = { dag: null, tasks: null };
      if (json) {
        process.stdout.write(
          `${JSON.stringify({ file, valid: false, ...none, problems: error.problems })}\n`,
        );
      } else process.stderr.write(`${error.message}\n`);
    }
  }
  return code;
}
