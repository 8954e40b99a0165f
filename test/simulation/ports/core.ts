/** Subscriptions and requests on core subjects. */
import type { Decoded } from "../../../internal/contract/codec.ts";
import type { Subscription } from "../../../internal/ports/presence.ts";
import type { Client } from "./client.ts";

export interface CoreRequest {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly timeoutMs: number;
}

export type CoreAnswer =
  | { readonly kind: "answered"; readonly bytes: Uint8Array }
  /** Nobody hears there. */
  | { readonly kind: "gone" }
  | { readonly kind: "late" };

/** The first answer counts. */
export function askCore(
  { link, server, clock }: Client,
  { subject, bytes, timeoutMs }: CoreRequest,
): Promise<CoreAnswer> {
  return new Promise((resolve) => {
    const timer = clock.after(timeoutMs, () => resolve({ kind: "late" }));
    const settle = (answer: CoreAnswer): void => {
      timer.cancel();
      resolve(answer);
    };
    link.toServer(`ask ${subject}`, () => {
      const heard = server.core.publish(subject, bytes, (answer) => {
        link.toClient(`answer of ${subject}`, () => settle({ kind: "answered", bytes: answer }));
      });
      if (heard === 0) link.toClient(`nobody at ${subject}`, () => settle({ kind: "gone" }));
    });
  });
}

/** Subscriptions are known to the server again after a reconnect; it forgets them with the connection. */
export async function subscribe(
  client: Client,
  subject: string,
  hear: (bytes: Uint8Array, reply: (bytes: Uint8Array) => void) => void,
): Promise<Subscription> {
  const { link, server } = client;
  let isOver = false;
  let forget = (): void => undefined;
  const tell = (): void => {
    link.toServer(`subscribe ${subject}`, () => {
      forget();
      const heard = (bytes: Uint8Array, reply: (bytes: Uint8Array) => void): void => {
        if (!isOver) hear(bytes, reply);
      };
      forget = isOver || !link.process.isAlive ? forget : server.core.listen({ link, subject, hear: heard });
    });
  };
  link.onLost(() => forget());
  link.onReconnect(tell);
  tell();
  await client.request(`known ${subject}`, () => undefined).catch(() => undefined);
  return {
    stop: async () => {
      isOver = true;
      link.toServer(`unsubscribe ${subject}`, () => forget());
    },
  };
}

export function joined(subscriptions: readonly Subscription[]): Subscription {
  return {
    stop: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    },
  };
}

/** What was read once, for whoever reads the same message: nobody changes what it was read as. */
const read = new WeakMap<Uint8Array, Decoded<unknown>>();

/** A message has one form, whoever hears it. */
export function readOnce<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => Decoded<T>): Decoded<T> {
  let decoded = read.get(bytes);
  if (decoded === undefined) read.set(bytes, (decoded = decode(bytes)));
  return decoded as Decoded<T>;
}
