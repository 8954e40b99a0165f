/**
 * A type of tasks that wait: for a file, or for a URL to answer. Between two looks they hold no slot of the worker.
 *
 *   with:
 *     file: inbox/orders.csv    # or url: https://api.example.com/ready
 *     every: 30                 # seconds between two looks (default 30)
 *     give_up_after: 3600       # seconds, then the task fails (default: never)
 */
import { stat } from "node:fs/promises";

export const sensor = {
  type: "sensor",

  async execute({ options }, { signal, log }) {
    const wrong = problemOf(options);
    if (wrong !== undefined) return { ok: false, error: { reason: "bad-input", message: `with: ${wrong}` } };
    const { file, url, every = 30, give_up_after: giveUpAfter } = options;
    const look = file === undefined ? await lookAtUrl(url, signal) : await lookAtFile(file);
    if (look.found !== undefined) return { ok: true, output: look.found };
    log(look.missing);
    return {
      ok: false,
      error: {
        reason: "not-yet",
        message: look.missing,
        againAfterMs: every * 1_000,
        ...(giveUpAfter === undefined ? {} : { giveUpAfterMs: giveUpAfter * 1_000 }),
      },
    };
  },
};

async function lookAtFile(file) {
  try {
    const { size } = await stat(file);
    return { found: { file, bytes: size } };
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return { missing: `there is no file ${file}` };
  }
}

async function lookAtUrl(url, signal) {
  try {
    const response = await fetch(url, { signal });
    await response.body?.cancel();
    if (response.ok) return { found: { url, status: response.status } };
    return { missing: `${url} answers with status ${response.status}` };
  } catch (error) {
    return { missing: `${url} does not answer: ${error.cause?.message ?? error.message}` };
  }
}

/** What a task says of a plug-in's type comes as it is: the plug-in checks it. */
function problemOf({ file, url, every, give_up_after: giveUpAfter, ...more }) {
  const [unknown] = Object.keys(more);
  if (unknown !== undefined)
    return `unknown option '${unknown}'; allowed are file, url, every, give_up_after`;
  if ((file === undefined) === (url === undefined)) return "either file or url";
  if (typeof (file ?? url) !== "string") return `${file === undefined ? "url" : "file"} must be text`;
  for (const [name, value] of Object.entries({ every, give_up_after: giveUpAfter })) {
    if (value !== undefined && !(typeof value === "number" && value > 0))
      return `${name} must be a number of seconds`;
  }
  return undefined;
}
