/** Checks that every answer must pass, whatever the request. */
import * as z from "zod";

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  hint: z.string(),
  request_id: z.string(),
});

/** A line of a stack, or a place in a source file. */
const STACK = /\n\s+at |\.[cm]?[jt]s:\d+/;

/** Bytes. */
const LONGEST_REFUSAL = 64_000;

export interface FuzzedAnswer {
  readonly status: number;
  readonly contentType: string;
  /** The beginning of the body. */
  readonly text: string;
  /** Length of the body in bytes. */
  readonly bytes: number;
}

/** Returns the fault of an answer, or null. `secrets`: texts that no answer may contain. */
export function faultOf(
  { status, contentType, text, bytes }: FuzzedAnswer,
  secrets: readonly string[],
): string | null {
  if (secrets.some((secret) => text.includes(secret))) return "it has a secret";
  // 503 asks for a retry and is an answer; any other 5xx is a fault of the worker.
  if (status >= 500 && status !== 503) return `it is ${status}`;
  if (status < 400) return null;
  if (bytes > LONGEST_REFUSAL) return `the refusal is ${bytes} bytes long`;
  if (STACK.test(text)) return "it has a stack";
  // HEAD is answered with the head alone.
  if (text === "") return null;
  if (!contentType.startsWith("application/problem+json"))
    return `it is ${status} and no problem document`;
  const parsed = problem.safeParse(parseJson(text));
  if (!parsed.success) return "it is no problem document as RFC 9457 has it";
  return parsed.data.status === status ? null : "its document has another status";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
