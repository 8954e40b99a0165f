/**
 * Checks manifests against Kubernetes' own schemas.
 *
 * kubernetes-types is generated from Kubernetes' OpenAPI description. Each object is written as a literal of its type
 * and given to the compiler, which also refuses a field that the schema does not know; validators made from the same
 * description let those pass, as the API allows them, and a misspelt field would go unnoticed.
 */
import { execFile } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TestFolder } from "./folder.ts";

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));

export interface Manifest {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string };
  readonly spec?: unknown;
}

/** What is wrong with each object, in their order; no line means that all is well. */
export async function schemaProblems(objects: readonly Manifest[]): Promise<string[][]> {
  await using folder = await TestFolder.make();
  await symlink(MODULES, join(folder.path, "node_modules"));
  const compilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, pretty: false },
    ...{ module: "esnext", moduleResolution: "bundler", types: [], lib: ["es2023"] },
  };
  await folder.write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  for (const [index, object] of objects.entries()) await folder.write(`${index}.ts`, literal(object));
  const printed = await compile(folder.path);
  return objects.map((_object, index) => printed.filter((line) => line.startsWith(`${index}.ts(`)));
}

function literal(object: Manifest): string {
  const { apiVersion = "", kind = "" } = object;
  const group = apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`;
  const type = `Required<Pick<${kind}, "apiVersion" | "kind" | "metadata">> & ${kind}`;
  const from = `kubernetes-types/${group}`;
  return `import type { ${kind} } from "${from}";\nexport const object: ${type} = ${JSON.stringify(object, null, 2)};\n`;
}

/** The compiler's lines, those that go on with a problem joined to its first. */
async function compile(cwd: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const tsc = join(MODULES, "typescript", "bin", "tsc");
    execFile(process.execPath, [tsc, "-p", "."], { cwd }, (error, stdout, stderr) => {
      if (error !== null && stdout === "") reject(new Error(`the compiler did not run: ${stderr}`));
      else resolve(stdout.replaceAll(/\n +/g, " ").split("\n"));
    });
  });
}
