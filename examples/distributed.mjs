import { bash, dag, DistributedExecutor } from "jetdag";

const executor = new DistributedExecutor({
  nats: process.argv[2] ?? "nats://localhost:4222",
  // Runs tasks here as well; with 0, the default, only the cluster's workers do.
  workerCount: 2,
});
await executor.start();

const { runId, result } = await executor.submit({ dag: dag("hello").task("greet", bash("echo hello")) });
const { state, tasks } = await result();
console.log(state, tasks.greet.output.stdout.trim());

// Every process that reads the log comes to the same state.
console.log((await executor.inspect(runId)).state);
await executor.stop();
