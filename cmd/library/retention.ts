/** How long runs are kept, as a program that embeds jetdag says it. */
import { SETTINGS } from "../../internal/config/settings.ts";
import { LOG_BOUNDS, type LogBounds } from "../../internal/contract/streams.ts";
import type { Retention } from "../../internal/core/retention.ts";
import { BadInput } from "../../internal/executor/executor.ts";
import { checkFields, type FieldsOf } from "./check-input.ts";
import { type Duration, milliseconds, wholeNumber } from "./options.ts";

export interface RetentionOptions {
  /** How long a run that has ended may be retried; then its facts go from the log into the history. Default 1h. */
  readonly retireAfter?: Duration;
  /** With more facts than this in the log, runs that have ended are retired sooner. Default 500,000. */
  readonly retireAbove?: number;
  /** How long the history keeps a run; then its outputs go too, and its id is free again. Default 30d. */
  readonly historyAge?: Duration;
  /** With more runs than this in the history, the oldest go sooner. Default 100,000. */
  readonly historyRuns?: number;
  /** So they do with more bytes than this of records; values that are stored apart do not count. Default 1 GiB. */
  readonly historyBytes?: number;
  /** How many bytes values may take that are stored apart, files of artifacts among them: from half of it on runs that have ended go sooner, at 70 % no new ones are taken; at least 16 MiB. Default: no limit, or that which was set last. */
  readonly valuesBytes?: number;
  /** How long the logs of attempts are kept; at least 1m. Default 7d. */
  readonly logsAge?: Duration;
  /** With more bytes than this of logs, the oldest go sooner; at least 1 MiB. Default 1 GiB. */
  readonly logsBytes?: number;
}

const RETENTION_OPTIONS: FieldsOf<RetentionOptions> = {
  retireAfter: true,
  retireAbove: true,
  historyAge: true,
  historyRuns: true,
  historyBytes: true,
  valuesBytes: true,
  logsAge: true,
  logsBytes: true,
};

/** Throws `BadInput` when an option is not allowed. */
export function resolveRetention(options: RetentionOptions): Retention {
  checkFields("retention", options, RETENTION_OPTIONS);
  const { retireAfter = "1h", retireAbove = 500_000, historyAge = "30d" } = options;
  const { historyRuns = 100_000, historyBytes = 2 ** 30 } = options;
  return {
    retireAfterMs: milliseconds("retention.retireAfter", retireAfter),
    maxFacts: wholeNumber("retention.retireAbove", retireAbove, 0),
    historyMs: milliseconds("retention.historyAge", historyAge),
    historyRuns: wholeNumber("retention.historyRuns", historyRuns, 1),
    historyBytes: wholeNumber("retention.historyBytes", historyBytes, 1_024),
  };
}

/** Throws `BadInput` when one of them is not allowed. */
export function resolveLogBounds({ logsAge, logsBytes = LOG_BOUNDS.bytes }: RetentionOptions): LogBounds {
  const ageMs = logsAge === undefined ? LOG_BOUNDS.ageMs : milliseconds("retention.logsAge", logsAge);
  if (ageMs < SETTINGS.logsAge.min) throw new BadInput("retention.logsAge must be at least 1m");
  return { ageMs, bytes: wholeNumber("retention.logsBytes", logsBytes, SETTINGS.logsBytes.min) };
}

/** Throws `BadInput` when it is not allowed. */
export function resolveValuesBytes({ valuesBytes }: RetentionOptions): number | undefined {
  if (valuesBytes === undefined) return undefined;
  return wholeNumber("retention.valuesBytes", valuesBytes, SETTINGS.valuesBytes.min);
}
