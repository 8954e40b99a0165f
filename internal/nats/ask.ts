/** Questions on core NATS that several may answer, or nobody. */
import { createInbox } from "@nats-io/transport-node";
import { type Context, guarded } from "./context.ts";

export interface CoreQuestion {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly timeoutMs: number;
  /** It is asked again so often: who hears it may be frozen, and another may be there meanwhile. Default: asked once. */
  readonly repeatMs?: number;
}

/** Hands over the answers, until one is the last (`true`) or the time is over. One without bytes says that nobody is there. */
export async function ask(
  { nc, onTrouble }: Pick<Context, "nc" | "onTrouble">,
  { subject, bytes, timeoutMs, repeatMs }: CoreQuestion,
  onAnswer: (answer: Uint8Array) => boolean,
): Promise<void> {
  if (nc.isClosed()) return;
  const reply = createInbox();
  let done = (): void => undefined;
  const heard = new Promise<void>((resolve) => (done = resolve));
  const hear = ({ data }: { readonly data: Uint8Array }): void => {
    if (onAnswer(data)) done();
  };
  const subscription = nc.subscribe(reply, guarded(onTrouble, `hearing answers of ${subject}`, hear));
  const send = (): void => {
    if (nc.isClosed()) done();
    else nc.publish(subject, bytes, { reply });
  };
  const timer = setTimeout(done, timeoutMs);
  const again = repeatMs === undefined ? undefined : setInterval(send, repeatMs);
  try {
    send();
    await heard;
  } finally {
    clearTimeout(timer);
    clearInterval(again);
    subscription.unsubscribe();
  }
}
