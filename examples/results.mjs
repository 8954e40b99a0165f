import { BadInput, bash, dag, DefinitionError, LocalExecutor } from "jetdag";

const executor = new LocalExecutor({ workerCount: 2, gracePeriod: "1s" });
await executor.start();

// A run that fails is a result.
const nightly = dag("nightly", { onFailure: "continue" })
  .task("fetch", bash("echo no disk left >&2; exit 3"))
  .task("load", bash("true"), { dependsOn: ["fetch"] })
  .task("clean", bash("echo cleaned"));
const result = await executor.execute({ dag: nightly, runId: "night-1" });
console.log(result.state);
for (const [id, { state, attempts, error }] of Object.entries(result.tasks)) {
  console.log(" ", id, state, attempts, error?.reason ?? "");
}
console.log(result.tasks.fetch.error.exitCode, result.tasks.fetch.output.stderr);

// Input that cannot be used is an error.
const again = executor.execute({ dag: nightly, runId: "night-1" });
await again.catch((error) => console.log(error instanceof BadInput));
const wrong = executor.execute({ dag: { name: "wrong", tasks: [] } });
await wrong.catch((error) => console.log(error instanceof DefinitionError, error.message));

// A run that goes on without the caller, and is ended before its time.
const { runId, result: end } = await executor.submit({ dag: dag("long").task("sleep", bash("sleep 60")) });
console.log(await executor.cancel(runId), (await end()).state);

await executor.stop();
