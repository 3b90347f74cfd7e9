/**
 * Traces in W3C Trace Context format (https://www.w3.org/TR/trace-context/):
 * `00-<trace>-<span>-<flags>` in lower-case hex. Pure: the caller supplies random bytes. Peach
 * accepts and forwards traces; no spans are exported.
 */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NONE = /^0+$/;

/**
 * Parses the header into version 00; null if invalid. Later versions may have additional fields.
 */
export function readTraceparent(header: string): string | null {
  const [, version = "", trace = "", span = "", flags = "", more] =
    TRACEPARENT.exec(header.trim()) ?? [];
  if (version === "" || version === "ff" || (version === "00" && more !== undefined)) return null;
  if (NONE.test(trace) || NONE.test(span)) return null;
  return traceparent(trace, span, flags);
}

/** Derives a new span of the same trace from 8 random bytes. */
export function spanOf(parent: string, spanBytes: Uint8Array): string {
  const [, trace = "", , flags = ""] = parent.split("-");
  return traceparent(trace, hex(spanBytes), flags);
}

/** Starts a sampled trace from 24 random bytes: 16 for the trace id, 8 for the first span. */
export function newTraceparent(bytes: Uint8Array): string {
  return traceparent(hex(bytes.subarray(0, 16)), hex(bytes.subarray(16, 24)), "01");
}

function traceparent(trace: string, span: string, flags: string): string {
  return `00-${trace}-${span}-${flags}`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
