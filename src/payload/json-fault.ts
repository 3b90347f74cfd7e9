/**
 * Where a text stops being JSON. `JSON.parse` decides whether it is; this looks again at one that is not, since the engine's
 * message names no place for most faults. It keeps its own stack, so depth does not overflow.
 */
import { type JsonStep, jsonPath } from "./json-path.ts";

export interface JsonFault {
  /** The innermost value that holds the fault. */
  readonly path: string;
  /** Line and column (from 1), what was expected and what is there. */
  readonly message: string;
}

type Expectation = "a value" | "a value or ]" | "a key or }" | "a key" | "a colon" | ", or }" | ", or ]" | "the end";

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** The first fault of a text that `JSON.parse` refuses. */
export function findJsonFault(text: string): JsonFault {
  const steps: JsonStep[] = [];
  let expected: Expectation = "a value";
  let at = 0;
  const faultAt = (offset: number, message: string): JsonFault => {
    const before = text.slice(0, offset);
    const line = before.split("\n").length;
    const column = offset - before.lastIndexOf("\n");
    return { path: jsonPath(steps), message: `line ${line}, column ${column}: ${message}` };
  };
  const afterValue = (): Expectation => {
    const step = steps.at(-1);
    return step === undefined ? "the end" : typeof step === "number" ? ", or ]" : ", or }";
  };

  for (;;) {
    at = endOf(SPACE, text, at) ?? at;
    const found = text.charAt(at);
    if (found === "" && expected === "the end") return faultAt(at, "not valid JSON");
    if (found === '"' && expected.startsWith("a") && expected !== "a colon") {
      const string = scanString(text, at);
      if (string.fault !== null) return faultAt(string.end, string.fault);
      if (expected === "a key" || expected === "a key or }") {
        steps.pop();
        steps.push(keyOf(text.slice(at, string.end)));
        expected = "a colon";
      } else expected = afterValue();
      at = string.end;
      continue;
    }
    switch (expected) {
      case "a value":
      case "a value or ]": {
        const scalarEnd = endOf(NUMBER, text, at) ?? endOf(LITERAL, text, at);
        if (scalarEnd !== null) {
          at = scalarEnd;
          expected = afterValue();
          continue;
        }
        if (found === "{" || found === "[") {
          steps.push(found === "{" ? "" : 0);
          expected = found === "{" ? "a key or }" : "a value or ]";
          at += 1;
          continue;
        }
        if (found === "]" && expected === "a value or ]") break;
        return faultAt(at, `expected a value, found ${name(found)}`);
      }
      case "a colon":
        if (found !== ":") return faultAt(at, `expected ":" after the key, found ${name(found)}`);
        expected = "a value";
        at += 1;
        continue;
      case ", or ]":
      case ", or }": {
        if (found === ",") {
          const step = steps.at(-1);
          if (typeof step === "number") steps[steps.length - 1] = step + 1;
          expected = typeof step === "number" ? "a value" : "a key";
          at += 1;
          continue;
        }
        if (found === expected.at(-1)) break;
        return faultAt(at, `expected "," or "${expected.slice(-1)}", found ${name(found)}`);
      }
      case "a key or }":
        if (found === "}") break;
        return faultAt(at, `expected a key in double quotes or "}", found ${name(found)}`);
      case "a key":
        return faultAt(at, `expected a key in double quotes, found ${name(found)}`);
      case "the end":
        return faultAt(at, `expected the end, found ${name(found)}`);
    }
    // Every `break` above stands on a closing bracket.
    steps.pop();
    expected = afterValue();
    at += 1;
  }
}

function endOf(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

function scanString(text: string, start: number): { readonly end: number; readonly fault: string | null } {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (Number.isNaN(code)) return { end: at, fault: 'expected the closing " of a string, found the end' };
    if (code === 0x22) return { end: at + 1, fault: null };
    if (code < 0x20) return { end: at, fault: `a string holds ${name(text.charAt(at))}, which must be escaped` };
    if (code !== 0x5c) {
      at += 1;
      continue;
    }
    const end = endOf(ESCAPE, text, at);
    if (end === null)
      return { end: at, fault: `a string holds the unknown escape ${JSON.stringify(text.slice(at, at + 2))}` };
    at = end;
  }
}

function keyOf(quoted: string): string {
  const key: unknown = JSON.parse(quoted);
  return typeof key === "string" ? key : quoted;
}

function name(found: string): string {
  return found === "" ? "the end" : JSON.stringify(found);
}
