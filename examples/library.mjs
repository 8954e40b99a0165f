import { LocalExecutor } from "jetdag";

const executor = new LocalExecutor({ workerCount: 4 });
executor.registerFunction("load", (params) => ({ loaded: Number(params.extract__rows) }));
await executor.start();

const result = await executor.execute({
  dag: {
    name: "etl",
    tasks: [
      { id: "extract", type: "bash", command: "echo rows=42 > $JETDAG_OUTPUT_FILE" },
      { id: "load", type: "function", command: "load", depends_on: ["extract"] },
    ],
  },
});

console.log(result.state, result.tasks.load.output);
await executor.stop();
