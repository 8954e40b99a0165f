/**
 * Connections of http tasks, to addresses that the worker's policy allows and no others. What is judged is the very
 * address that is then connected to, so no answer of a name server can change in between; a connection that is used
 * again was judged when it was made.
 */
import { lookup, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { buildConnector } from "undici";
import type { NetPolicy } from "./net-policy.ts";

/** Each task has its own limit, and turns away before; this one ends what is left, as the system would about then. */
const CONNECT_MS = 120_000;
/** Where a host has several addresses, how long one of them may take before the next is tried. With the 250 ms of Node, no server that is far away can be reached. */
const ADDRESS_MS = 2_000;

/** The policy of the worker is against it; the message says how. */
export class AddressRefused extends Error {}

export function connectorFor(policy: NetPolicy): buildConnector.connector {
  const connect = buildConnector({
    timeout: CONNECT_MS,
    lookup: allowedLookup(policy),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_MS,
  });
  return (options, callback) => {
    const { hostname } = options;
    // An address is not looked up.
    if (isIP(hostname) === 0 || policy.allows(hostname, hostname)) return connect(options, callback);
    const refused = new AddressRefused(policy.refusal([hostname], hostname));
    return queueMicrotask(() => callback(refused, null));
  };
}

function allowedLookup(policy: NetPolicy): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const allowed = found.filter(({ address }) => policy.allows(address, host));
      const [first] = allowed;
      if (first === undefined) return callback(refusal(policy, found, host), []);
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };
}

function refusal(policy: NetPolicy, found: readonly LookupAddress[], host: string): AddressRefused {
  return new AddressRefused(
    policy.refusal(
      found.map(({ address }) => address),
      host,
    ),
  );
}
