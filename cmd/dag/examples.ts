/** What stands under "Examples" in the help of each command. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  run: [
    "dag run etl.yaml --param day=2026-01-31 --json",
    "dag run etl.yaml --functions functions.js --workers 10",
    "dag run etl --version 3 --detach --nats nats://localhost:4222",
  ],
  validate: ["dag validate *.yaml", "dag validate etl.yaml --json"],
  form: ["dag form etl.yaml", "dag form etl --version 3 --json-schema"],
  new: ["dag new etl"],
  schema: ["dag schema > dag.schema.json"],
  runs: ["dag runs --state failed --since 24h", "dag runs --dag etl --limit 5 --json"],
  status: ["dag status RUN", "dag status RUN --follow"],
  explain: [
    "dag explain RUN",
    "dag explain RUN load",
    "dag explain RUN 'load[12]'",
    "dag explain RUN load --json",
  ],
  logs: [
    "dag logs RUN",
    "dag logs RUN load --attempt 2",
    "dag logs RUN 'load[12]'",
    "dag logs RUN load -f",
    "dag logs RUN --json",
  ],
  wait: ["dag wait RUN && echo completed", "dag wait RUN --json"],
  cancel: ["dag cancel RUN"],
  retry: ["dag retry RUN", "dag retry RUN --task load"],
  deploy: ["dag deploy etl.yaml", "dag deploy dags/*.yaml"],
  list: ["dag list", "dag list --tag nightly"],
  show: ["dag show etl", "dag show etl --version 1 > etl.yaml"],
  diff: ["dag diff etl", "dag diff etl etl.yaml", "dag diff etl --from 1 --to 3"],
  workers: ["dag workers", "dag workers --json"],
  queues: ["dag queues", "dag queues --json"],
  dead: ["dag dead list", "dag dead show 3f9c0d5a7be21846"],
  "dead list": ["dag dead list --kind crashed --since 24h", "dag dead list --run RUN --json"],
  "dead show": ["dag dead show 3f9c0d5a7be21846"],
  "dead replay": ["dag dead replay 3f9c0d5a7be21846"],
  "dead drop": ["dag dead drop 3f9c0d5a7be21846", "dag dead drop --all --kind unreadable --yes"],
  config: ["dag config", "dag config --nats nats://localhost:4222 --json"],
  up: ["dag up", "dag up --worker-processes 4 --workers 10 --functions functions.js"],
  completion: ["source <(dag completion bash)", "dag completion fish > ~/.config/fish/completions/dag.fish"],
};

/** The text for the end of a command's help; empty when it has none. */
export function examplesOf(command: string): string {
  const lines = EXAMPLES[command] ?? [];
  return lines.length === 0 ? "" : ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n");
}
