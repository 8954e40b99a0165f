/** Every setting, declared once: flags, environment, defaults, help and the README's table all come from here. */
import type { Command, Setting } from "./setting.ts";
import { TASK_SETTINGS } from "./task-settings.ts";

export const SETTINGS = {
  config: {
    flag: "config",
    kind: "file",
    sentence:
      "The configuration file, instead of jetdag.yaml in the current folder or else in ~/.config/jetdag; every other setting may stand in it, in the flag's name with underscores.",
    commands: ["dag", "check", "look", "executor", "worker", "up"],
  },
  nats: {
    flag: "nats",
    env: "NATS_URL",
    kind: "address",
    defaults: { executor: "nats://localhost:4222", worker: "nats://localhost:4222" },
    sentence:
      "Address of the NATS server, several separated by commas; user and password or a token may stand in it. Without it dag run runs in its own process.",
    commands: ["dag", "look", "executor", "worker"],
  },
  creds: {
    flag: "creds",
    kind: "file",
    sentence: "A NATS credentials file.",
    commands: ["dag", "look", "executor", "worker"],
  },
  namespace: {
    flag: "namespace",
    kind: "name",
    default: "jetdag",
    sentence: "Begins the name of every stream and subject; keeps several installations on one server apart.",
    commands: ["dag", "look", "executor", "worker", "up"],
  },
  workers: {
    flag: "workers",
    kind: "count",
    min: 1,
    default: "5",
    sentence: "Attempts that run at a time, of dag up in each worker; of dag run only in its own process.",
    commands: ["dag", "worker", "up"],
  },
  workerProcesses: {
    flag: "worker-processes",
    kind: "count",
    min: 1,
    default: "2",
    sentence: "How many workers are started.",
    commands: ["up"],
  },
  data: {
    flag: "data",
    kind: "file",
    default: "./.jetdag",
    sentence: "Folder of the cluster's data; runs that were going on when it ended go on from there.",
    commands: ["up"],
  },
  port: {
    flag: "port",
    kind: "count",
    max: 65_535,
    sentence:
      "Port of the NATS server on 127.0.0.1, 0 for any that is free. Without it 4222, or any that is free where that is taken.",
    commands: ["up"],
  },
  timeout: {
    flag: "timeout",
    kind: "duration",
    defaults: { worker: "30m" },
    sentence:
      "Time limit of an attempt whose task names none; one that the run was submitted with comes before the worker's.",
    commands: ["dag", "worker", "up"],
  },
  queues: {
    flag: "queues",
    kind: "names",
    sentence:
      "Queues that the worker takes from, separated by commas. Without it default, docker with --docker, and those named as the types of its --plugins.",
    commands: ["worker", "up"],
  },
  functions: {
    flag: "functions",
    kind: "file",
    sentence:
      "Module whose named exports are functions that tasks may name; of dag run only in its own process.",
    commands: ["dag", "worker", "up"],
  },
  functionMemory: {
    flag: "function-memory",
    kind: "count",
    min: 16,
    default: "512",
    sentence: "How many MiB of heap each function of the module may use at a time, on its thread.",
    commands: ["dag", "worker", "up"],
  },
  id: {
    flag: "id",
    env: "JETDAG_WORKER_ID",
    kind: "name",
    sentence: "Name of the worker; the host's name and eight random characters by default.",
    commands: ["worker"],
  },
  shutdownTimeout: {
    flag: "shutdown-timeout",
    kind: "duration",
    default: "15s",
    sentence: "How long running attempts may go on after SIGTERM before they are given back.",
    commands: ["dag", "executor", "worker", "up"],
  },
  grace: {
    flag: "grace",
    kind: "duration",
    default: "5s",
    sentence: "How long a task may take to end by itself once it is told to, before it is killed.",
    commands: ["dag", "executor", "worker", "up"],
  },
  heartbeat: {
    flag: "heartbeat",
    kind: "duration",
    default: "10s",
    sentence:
      "How often a worker tells that it is alive and what it holds; an executor holds its --dead-after against it.",
    commands: ["dag", "executor", "worker", "up"],
  },
  deadAfter: {
    flag: "dead-after",
    kind: "duration",
    default: "30s",
    sentence:
      "A worker that was not heard of for so long is dead, whatever the state of its connection; at least three times the workers' --heartbeat.",
    commands: ["dag", "executor", "up"],
  },
  probeInterval: {
    flag: "probe-interval",
    kind: "duration",
    default: "1s",
    sentence: "How long a worker may be unheard before an executor asks whether its connection stands.",
    commands: ["dag", "executor", "up"],
  },
  goneAfter: {
    flag: "gone-after",
    kind: "duration",
    default: "2s",
    sentence:
      "A worker whose connection is gone for so long is dead, unless it may be the path to it that is broken; at least 1s, in which a live one connects again.",
    commands: ["dag", "executor", "up"],
  },
  ackWait: {
    flag: "ack-wait",
    kind: "duration",
    default: "60s",
    sentence:
      "How long the queue waits before it delivers an attempt again that nobody extends; fixed when a queue is first used.",
    commands: ["dag", "look", "executor", "worker", "up"],
  },
  leaseTerm: {
    flag: "lease-term",
    kind: "duration",
    // A NATS server keeps no key for less than 100 ms, and a short pause must not cost a lease.
    min: 1_000,
    max: 3_600_000,
    default: "3s",
    sentence:
      "How long an executor that vanished keeps the others waiting, from 1s to 1h; fixed when the cluster is first used.",
    commands: ["dag", "look", "executor", "worker", "up"],
  },
  lossCap: {
    flag: "loss-cap",
    kind: "count",
    default: "5",
    sentence: "How often a task may be lost with its worker before it ends as crashed.",
    commands: ["dag"],
  },
  fanOutLimit: {
    flag: "fan-out-limit",
    kind: "count",
    min: 1,
    default: "100000",
    sentence: "How many instances a task may have: one for each artifact, or for each group of them.",
    commands: ["dag"],
  },
  inlineLimit: {
    flag: "inline-limit",
    kind: "bytes",
    min: 1_024,
    default: "65536",
    sentence: "Values above this many bytes are stored apart from the messages that name them.",
    commands: ["dag", "executor", "worker", "up"],
  },
  ...TASK_SETTINGS,
  retireAfter: {
    flag: "retire-after",
    kind: "duration",
    default: "1h",
    sentence:
      "How long a run that has ended may be retried; then its facts go from the log into the history, and it looks the same from there.",
    commands: ["executor", "up"],
  },
  retireAbove: {
    flag: "retire-above",
    kind: "count",
    default: "500000",
    sentence: "With more facts than this in the log, runs that have ended are retired sooner.",
    commands: ["executor", "up"],
  },
  historyAge: {
    flag: "history-age",
    kind: "duration",
    default: "30d",
    sentence: "How long the history keeps a run; then its outputs go too, and its id is free again.",
    commands: ["executor", "up"],
  },
  historyRuns: {
    flag: "history-runs",
    kind: "count",
    min: 1,
    default: "100000",
    sentence: "With more runs than this in the history, the oldest go sooner.",
    commands: ["executor", "up"],
  },
  historyBytes: {
    flag: "history-bytes",
    kind: "bytes",
    min: 1_024,
    default: "1073741824",
    sentence:
      "So they do with more bytes than this of records; values that are stored apart do not count, see --values-bytes.",
    commands: ["executor", "up"],
  },
  valuesBytes: {
    flag: "values-bytes",
    kind: "bytes",
    min: 16_777_216,
    sentence:
      "How many bytes the values may take that are stored apart, files of artifacts among them: from half of it on runs that have ended go sooner, at 70 % no new ones are taken. Without it there is no limit, or the one that was set last. The server reserves so much.",
    commands: ["executor", "up"],
  },
  natsServer: {
    flag: "nats-server",
    kind: "file",
    sentence: "The nats-server program for the embedded server; looked for and fetched by default.",
    commands: ["demo", "up"],
  },
  httpPort: {
    flag: "http-port",
    kind: "count",
    max: 65_535,
    sentence:
      "Port for health, readiness and metrics over HTTP, on all interfaces; 8080 by convention, 0 takes a free one. Off unless set. Of dag up the executor's; its workers have the next ones.",
    commands: ["executor", "worker", "up"],
  },
  logLevel: {
    flag: "log-level",
    kind: "level",
    default: "info",
    sentence: "What is logged: trace, debug, info, warn, error or silent.",
    commands: ["executor", "worker", "up"],
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export function environmentName(setting: Setting): string {
  return setting.env ?? `JETDAG_${setting.flag.replaceAll("-", "_").toUpperCase()}`;
}

/** What the setting is called in a configuration file. */
export function fileKey({ flag }: Setting): string {
  return flag.replaceAll("-", "_");
}

export function defaultOf(setting: Setting, command: Command): string | undefined {
  return setting.defaults?.[command] ?? setting.default;
}

/** The settings of one command, in the order of the table. */
export function settingsOf(command: Command): [SettingName, Setting][] {
  const all = Object.entries(SETTINGS) as [SettingName, Setting][];
  return all.filter(([, setting]) => setting.commands.includes(command));
}
