/**
 * Traces, as W3C Trace Context writes them (https://www.w3.org/TR/trace-context/): `00-<trace>-<span>-<flags>`, in lower-case hex. Pure:
 * random bytes come from outside. Peach takes a trace in and hands it on; it exports no spans of its own.
 */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NONE = /^0+$/;

/** The trace in this header as version 00 writes it, or null if it is none. A later version may have more at its end. */
export function readTraceparent(header: string): string | null {
  const [, version = "", trace = "", span = "", flags = "", more] =
    TRACEPARENT.exec(header.trim()) ?? [];
  if (version === "" || version === "ff" || (version === "00" && more !== undefined)) return null;
  if (NONE.test(trace) || NONE.test(span)) return null;
  return traceparent(trace, span, flags);
}

/** The same trace, from a span of its own: these 8 random bytes. */
export function spanOf(parent: string, spanBytes: Uint8Array): string {
  const [, trace = "", , flags = ""] = parent.split("-");
  return traceparent(trace, hex(spanBytes), flags);
}

/** A trace that begins here, and is recorded: 24 random bytes, 16 for its id and 8 for its first span. */
export function newTraceparent(bytes: Uint8Array): string {
  return traceparent(hex(bytes.subarray(0, 16)), hex(bytes.subarray(16, 24)), "01");
}

function traceparent(trace: string, span: string, flags: string): string {
  return `00-${trace}-${span}-${flags}`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
