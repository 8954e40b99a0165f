/** Settings of how tasks run: limits, and what a worker lets them do. */
import type { Setting } from "./setting.ts";

export const TASK_SETTINGS = {
  outputLimit: {
    flag: "output-limit",
    kind: "bytes",
    min: 1_024,
    default: "1048576",
    sentence: "How many bytes are kept of what a bash or docker task prints, for stdout and stderr each.",
    commands: ["dag", "worker", "up"],
  },
  artifactLimit: {
    flag: "artifact-limit",
    kind: "bytes",
    min: 1_024,
    default: "10737418240",
    sentence: "The most bytes that the files which an attempt hands over as artifacts may have together.",
    commands: ["dag", "worker", "up"],
  },
  artifactCount: {
    flag: "artifact-count",
    kind: "count",
    min: 1,
    default: "100000",
    sentence: "The most artifacts that an attempt may hand over.",
    commands: ["dag", "worker", "up"],
  },
  allowEnv: {
    flag: "allow-env",
    kind: "variables",
    sentence:
      "The worker's own environment variables that bash tasks find in theirs, separated by commas; LC_* stands for all that begin so. All of them unless set, but never those that begin with JETDAG_ or NATS_.",
    commands: ["worker", "up"],
  },
  runAs: {
    flag: "run-as",
    kind: "user",
    sentence:
      "Whom bash tasks run as: the name of a user, UID, or UID:GID. The worker itself must be root. Unless set they run as the worker does.",
    commands: ["worker", "up"],
  },
  plugins: {
    flag: "plugins",
    kind: "file",
    sentence:
      "Module whose exports are task executors: further types of tasks; of dag run only in its own process.",
    commands: ["dag", "worker", "up"],
  },
  types: {
    flag: "types",
    kind: "plugin-types",
    sentence:
      "Types of tasks that the plug-ins of workers have, separated by commas: DAG files may name them.",
    commands: ["dag", "check"],
  },
  allow: {
    flag: "allow",
    kind: "types",
    sentence:
      "Types of tasks that may run, separated by commas; a task of another type fails as refused. All that it has by default.",
    commands: ["dag", "worker", "up"],
  },
  secretsDir: {
    flag: "secrets-dir",
    kind: "file",
    sentence:
      "Folder of files that are called as secrets are, such as a mount of Kubernetes; for what is not in the environment.",
    commands: ["dag", "worker", "up"],
  },
  secretsCommand: {
    flag: "secrets-command",
    kind: "command",
    sentence:
      "Program, and its arguments, that is called with the name of a secret and prints it; for what is in neither of the others.",
    commands: ["dag", "worker", "up"],
  },
  logLimit: {
    flag: "log-limit",
    kind: "bytes",
    min: 16_384,
    default: "10485760",
    sentence:
      "How many bytes are kept of the log of each attempt: of a longer one the beginning, and up to 1 MiB of the end.",
    commands: ["worker", "up"],
  },
  logsBytes: {
    flag: "logs-bytes",
    kind: "bytes",
    min: 1_048_576,
    default: "1073741824",
    sentence:
      "How many bytes are kept of the logs of all attempts together, then the oldest go; each executor that starts sets it.",
    commands: ["executor", "up"],
  },
  logsAge: {
    flag: "logs-age",
    kind: "duration",
    min: 60_000,
    default: "7d",
    sentence: "How long they are kept.",
    commands: ["executor", "up"],
  },
  bodyLimit: {
    flag: "body-limit",
    kind: "bytes",
    min: 1_024,
    default: "8388608",
    sentence: "How many bytes are kept of the body of an answer to an http task; what is beyond is not read.",
    commands: ["dag", "worker", "up"],
  },
  allowNet: {
    flag: "allow-net",
    kind: "networks",
    default: "any",
    sentence:
      "Where http tasks may connect to: public, private, any, host names such as api.example.com or *.example.com, addresses and networks such as 10.0.0.0/8, separated by commas. Link-local and metadata addresses have to be named in any case.",
    commands: ["dag", "worker", "up"],
  },
  docker: {
    flag: "docker",
    kind: "switch",
    default: "false",
    sentence:
      "Runs docker tasks, with the engine that DOCKER_HOST names, or else the one of this machine; a worker then serves the queue docker, too. Of dag run only in its own process.",
    commands: ["dag", "worker", "up"],
  },
  dockerImage: {
    flag: "docker-image",
    kind: "image",
    default: "python:3.11-slim",
    sentence: "The image of docker tasks that name none.",
    commands: ["dag", "worker", "up"],
  },
  allowImage: {
    flag: "allow-image",
    kind: "images",
    default: "*",
    sentence:
      "Images that docker tasks may have, separated by commas: patterns such as python:* or registry.example.com/team/*.",
    commands: ["dag", "worker", "up"],
  },
  allowMount: {
    flag: "allow-mount",
    kind: "mounts",
    sentence:
      "Folders of this host, and volumes of the engine by name, that docker tasks may have as volumes, separated by commas; with :ro behind it for reading alone. None by default.",
    commands: ["dag", "worker", "up"],
  },
  maxMemory: {
    flag: "max-memory",
    kind: "count",
    min: 6,
    sentence: "The most memory that a docker task may ask for, in MiB. As much as it likes by default.",
    commands: ["dag", "worker", "up"],
  },
  maxCpu: {
    flag: "max-cpu",
    kind: "count",
    min: 1,
    sentence:
      "The most that a docker task may ask for of the CPUs, in percent of one, and what it has if it asks for nothing. No limit by default.",
    commands: ["dag", "worker", "up"],
  },
} as const satisfies Record<string, Setting>;
