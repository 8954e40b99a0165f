/** Single messages out of a stream. */
import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { readTime } from "./delivery-info.ts";
import { type Patience, patiently } from "./patience.ts";

export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  /** When it was stored, in milliseconds since 1970. */
  readonly time: number;
  readonly headers: MsgHdrs | undefined;
}

type Query = ({ readonly seq: number } | { readonly last_by_subj: string }) & {
  readonly patience?: Patience;
};

/**
 * The message at a position, or the newest of a subject; `undefined` when there is none. Any replica answers, and
 * quickly; what it does not have is asked of the leader, since a replica may lag behind by some milliseconds.
 * No answer is waited for as `patiently` does.
 */
export async function getMessage(
  jsm: JetStreamManager,
  stream: string,
  query: Query,
): Promise<StreamMessage | undefined> {
  const { patience: _, ...where } = query;
  const near = await jsm.direct.getMessage(stream, where).catch(() => null);
  return near === null ? getFromLeader(jsm, stream, query) : toMessage(near);
}

export async function getFromLeader(
  jsm: JetStreamManager,
  stream: string,
  query: Query,
): Promise<StreamMessage | undefined> {
  const { patience, ...where } = query;
  const message = await patiently(() => jsm.streams.getMessage(stream, where), patience);
  return message === null ? undefined : toMessage(message);
}

function toMessage({ subject, data, seq, timestamp, header }: StoredMsg): StreamMessage {
  return { subject, data, seq, time: readTime(timestamp), headers: header };
}
