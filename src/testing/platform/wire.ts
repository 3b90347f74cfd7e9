/**
 * Copies values for a call, as structured clone does, with the platform's own additions and
 * refusals.
 */

/**
 * Replaces `RpcTarget` of `cloudflare:workers`. An instance stays in its life, and the other side
 * calls the instance through a stub.
 */
export class RpcTarget {
  /** Distinguishes a target from a plain object. */
  readonly staysWhereItIs = true;
}

/** Makes the remote end of a target. */
export type Hand = (target: RpcTarget) => unknown;

const refused: Hand = () => {
  throw new TypeError("DataCloneError: an RpcTarget can only be what a call answers");
};

/**
 * Returns a deep copy. Streams are passed on unchanged. Throws for functions and instances of
 * classes.
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
    // A loop: `map` defines each element as a property, which takes longer than the copy.
    const copy: unknown[] = [];
    for (let index = 0; index < parts.length; index += 1) copy.push(copied(parts[index], hand));
    return copy;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    // Most properties are plain values: a shallow copy is right, and the rest is copied again.
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

/** Returns an error as the other side sees the error: the text, and the mark of a remote error. */
export function copiedError(thrown: unknown): Error {
  const error = new Error(thrown instanceof Error ? thrown.message : String(thrown));
  if (thrown instanceof Error && BUILT_IN.has(thrown.name)) error.name = thrown.name;
  return Object.assign(error, { remote: true });
}

/** The names of errors that stay the same on the other side. */
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
/** A kind of failure. */
export type Failure = keyof typeof FAILURES;

/** The errors made by the platform. */
const made = new WeakSet<Error>();

/** Makes an error of the platform, without a stack: stacks are expensive and unused here. */
export function failureOf(kind: Failure): Error {
  const { message, ...flags } = FAILURES[kind];
  return passing(message, flags);
}

/** Makes an error of the surroundings with flags. */
export function passing(message: string, flags: Readonly<Record<string, boolean>> = {}): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = Object.assign(new Error(message), flags);
  Error.stackTraceLimit = stackTraceLimit;
  made.add(error);
  return error;
}

/** Tests if an error comes from the platform. */
export function isPlatforms(error: unknown): boolean {
  return error instanceof Error && made.has(error);
}
