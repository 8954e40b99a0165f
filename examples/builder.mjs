import { bash, dag, fn, LocalExecutor } from "jetdag";

const etl = dag("etl", { timeout: "1h", maxParallel: 4 })
  .task("extract", bash("echo rows=42 > $JETDAG_OUTPUT_FILE"), { retries: 3, timeout: "10m" })
  .task("load", fn("load"), { dependsOn: ["extract"] });

// A builder grows; ids that are made at run time are checked when the task is added.
for (const region of ["north", "south"]) {
  etl.task(`report-${region}`, fn("report"), { dependsOn: ["load"], params: { region } });
}

const executor = new LocalExecutor();
executor.registerFunction("load", (params) => ({ loaded: Number(params.extract__rows) }));
executor.registerFunction("report", ({ region, load__loaded }) => ({ region, rows: load__loaded }));
await executor.start();

const { state, tasks } = await executor.execute({ dag: etl });
console.log(state, tasks["report-north"].output, tasks["report-south"].output);
await executor.stop();

// What a file of this DAG holds.
console.log(etl.toYAML());
