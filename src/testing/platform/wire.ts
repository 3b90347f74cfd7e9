/**
 * What goes over the wire of a call: copied as structured clone does it, with the platform's own
 * additions and its refusals.
 */

/**
 * Stands in for `RpcTarget` of `cloudflare:workers`: what is made of it stays where it is, and is
 * called from afar.
 */
export class RpcTarget {
  /** Told apart from plain objects. */
  readonly staysWhereItIs = true;
}

/** Makes the remote end of a target. */
export type Hand = (target: RpcTarget) => unknown;

const refused: Hand = () => {
  throw new TypeError("DataCloneError: an RpcTarget can only be what a call answers");
};

/**
 * A copy that shares nothing with it. Streams go over as they are. Throws for functions and objects
 * of classes.
 */
export function copied(value: unknown, hand: Hand = refused): unknown {
  if (typeof value === "function" || typeof value === "symbol")
    throw new TypeError(`DataCloneError: ${String(value)} could not be cloned`);
  return typeof value === "object" && value !== null ? copiedObject(value, hand) : value;
}

function isCompound(value: unknown): boolean {
  const type = typeof value;
  return (type === "object" && value !== null) || type === "function" || type === "symbol";
}

function copiedObject(value: object, hand: Hand): unknown {
  if (Array.isArray(value)) {
    const parts: readonly unknown[] = value;
    return parts.map((part) => copied(part, hand));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    // Copied as a whole, and again what is no plain value: most of them are.
    const copy: Record<string, unknown> = { ...value };
    for (const key of Object.keys(copy)) {
      const part = copy[key];
      if (isCompound(part)) copy[key] = copied(part, hand);
    }
    return copy;
  }
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (value instanceof RpcTarget) return hand(value);
  if (value instanceof ReadableStream) return value;
  if (value instanceof Date) return new Date(value);
  if (value instanceof Set) return new Set(Array.from(value, (part) => copied(part, hand)));
  if (value instanceof Map)
    return new Map(Array.from(value, ([key, part]) => [copied(key, hand), copied(part, hand)]));
  if (value instanceof Error) return copiedError(value);
  throw new TypeError(
    `DataCloneError: ${Object.prototype.toString.call(value)} could not be cloned`,
  );
}

/** What the other side sees of an error: its text, and that it comes from afar. */
export function copiedError(thrown: unknown): Error {
  const error = new Error(thrown instanceof Error ? thrown.message : String(thrown));
  if (thrown instanceof Error && BUILT_IN.has(thrown.name)) error.name = thrown.name;
  return Object.assign(error, { remote: true });
}

const BUILT_IN = new Set(["TypeError", "RangeError", "SyntaxError", "EvalError", "URIError"]);

/** Failures of calls by the platform itself. */
export const FAILURES = {
  reset: {
    message: "Durable Object reset because its code was updated.",
    durableObjectReset: true,
    remote: true,
  },
  gone: {
    message: "Connection closed: this Durable Object instance is no longer active.",
    remote: true,
  },
  lost: { message: "Network connection lost.", retryable: true },
  overloaded: {
    message: "Durable Object is overloaded. Requests queued for too long.",
    overloaded: true,
    remote: true,
  },
} as const satisfies Record<
  string,
  { readonly message: string; readonly [flag: string]: string | boolean }
>;
export type Failure = keyof typeof FAILURES;

const made = new WeakSet<Error>();

/** An error of the platform's. It is made often, and nobody reads from where. */
export function failureOf(kind: Failure): Error {
  const { message, ...flags } = FAILURES[kind];
  return passing(message, flags);
}

/** An error of the surroundings, with these flags. */
export function passing(message: string, flags: Readonly<Record<string, boolean>> = {}): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = Object.assign(new Error(message), flags);
  Error.stackTraceLimit = stackTraceLimit;
  made.add(error);
  return error;
}

/** Tests if the platform has made the error. */
export function isPlatforms(error: unknown): boolean {
  return error instanceof Error && made.has(error);
}
