/**
 * Finds the place where a text stops being JSON, or holds a number that JavaScript cannot.
 * `JSON.parse` decides about validity, and rounds numbers silently; neither names a place. Only an
 * invalid text, or a text that may have such numbers, is scanned again. Keeps its own stack, so
 * that depth does not overflow.
 */
import { type JsonStep, jsonPath } from "./json-path.ts";

export interface JsonFault {
  /** Path of the innermost value with the fault. */
  readonly path: string;
  /** Line and column (from 1), expected and found. */
  readonly message: string;
}

/** Finds the first fault of a text that `JSON.parse` refuses. */
export function findJsonFault(text: string): JsonFault {
  return new JsonScanner(text).find();
}

/** Limit of reported numbers. */
const MAX_NUMBERS = 20;

/**
 * Pattern of an inexact number: 16 digits in a row, or an exponent of three digits, at a place
 * where a value can begin. Nearly all texts have none, and are not scanned again; a string with
 * such digits causes a scan too.
 */
const SUSPECT = /(?:^|[\s,:[])-?(?:\d{16}|\d[\d.]*[eE]\+?\d{3})/;

/**
 * Finds the numbers of a JSON text that `JSON.parse` would change: whole numbers beyond 2^53 - 1,
 * and numbers that become infinite. At most 20, in order. A fraction or an exponent marks a number
 * as inexact: such numbers are rounded as everywhere.
 */
export function findInexactNumbers(text: string): JsonFault[] {
  return SUSPECT.test(text) ? new JsonScanner(text).inexactNumbers() : [];
}

/**
 * Expected token. `first …` stands after an opening bracket, and may be the closing one instead.
 */
type Expectation = "value" | "first value" | "key" | "first key" | "colon" | "separator" | "end";

const SHOWN_DIGITS = 40;
/** Minimal length of an inexact number. Characters. */
const FEWEST_SUSPECT = 5;

const LITERALS = ["true", "false", "null"] as const;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

class JsonScanner {
  readonly #text: string;
  #at = 0;
  /** Path to the current place: a key or an index for each open bracket. */
  readonly #steps: JsonStep[] = [];
  readonly #inexact: JsonFault[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  find(): JsonFault {
    for (let expected: Expectation | JsonFault = "value"; ;) {
      if (typeof expected !== "string") return expected;
      this.#skipSpace();
      expected = this.#read(expected);
    }
  }

  inexactNumbers(): JsonFault[] {
    this.find();
    return this.#inexact;
  }

  #read(expected: Expectation): Expectation | JsonFault {
    switch (expected) {
      case "value":
      case "first value":
        return this.#readValue(expected === "first value");
      case "key":
      case "first key":
        return this.#readKey(expected === "first key");
      case "colon":
        if (!this.#take(":")) return this.#fault('expected ":" after the key');
        return "value";
      case "separator":
        return this.#readSeparator();
      case "end":
        return this.#fault("expected the end");
    }
  }

  #readValue(mayClose: boolean): Expectation | JsonFault {
    const start = this.#at;
    if (this.#skipNumber()) {
      // A shorter number is exact and finite.
      if (this.#at - start >= FEWEST_SUSPECT) this.#note(this.#text.slice(start, this.#at));
      return this.#inexact.length < MAX_NUMBERS
        ? this.#afterValue()
        : this.#fault("looked no further");
    }
    const literal = LITERALS.find((word) => this.#text.startsWith(word, start));
    if (literal !== undefined) {
      this.#at += literal.length;
      return this.#afterValue();
    }
    if (this.#text.charCodeAt(this.#at) === 0x22) return this.#skipString() ?? this.#afterValue();
    if (this.#take("{")) {
      this.#steps.push("");
      return "first key";
    }
    if (this.#take("[")) {
      this.#steps.push(0);
      return "first value";
    }
    return mayClose && this.#take("]") ? this.#close() : this.#fault("expected a value");
  }

  #note(number: string): void {
    const value = Number(number);
    const isWhole = /^-?\d+$/.test(number);
    if (Number.isFinite(value) && (!isWhole || Number.isSafeInteger(value))) return;
    const shown = number.length > SHOWN_DIGITS ? `${number.slice(0, SHOWN_DIGITS)}...` : number;
    const what = Number.isFinite(value)
      ? "beyond 2^53 - 1, up to which whole numbers are exact"
      : "too large for a number";
    this.#inexact.push({
      path: jsonPath(this.#steps),
      message: `${shown} is ${what} (send it as a string)`,
    });
  }

  #readKey(mayClose: boolean): Expectation | JsonFault {
    if (mayClose && this.#take("}")) return this.#close();
    this.#steps.pop();
    if (this.#found() !== '"')
      return this.#fault(`expected a key in double quotes${mayClose ? ' or "}"' : ""}`);
    const start = this.#at;
    const fault = this.#skipString();
    if (fault !== null) return fault;
    this.#steps.push(String(JSON.parse(this.#text.slice(start, this.#at))));
    return "colon";
  }

  #readSeparator(): Expectation | JsonFault {
    const step = this.#steps.at(-1);
    const isArray = typeof step === "number";
    if (this.#take(isArray ? "]" : "}")) return this.#close();
    if (!this.#take(",")) return this.#fault(`expected "," or "${isArray ? "]" : "}"}"`);
    if (!isArray) return "key";
    this.#steps[this.#steps.length - 1] = step + 1;
    return "value";
  }

  #close(): Expectation {
    this.#steps.pop();
    return this.#afterValue();
  }

  #afterValue(): Expectation {
    return this.#steps.length === 0 ? "end" : "separator";
  }

  /** Skips a string, from the opening quote to behind the closing one. */
  #skipString(): JsonFault | null {
    this.#at += 1;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) return this.#fault('expected the closing " of a string');
      if (code < 0x20) return this.#fault("expected it escaped in a string");
      if (code !== 0x5c) this.#at += 1;
      else if (!this.#skip(ESCAPE))
        return this.#fault("expected a known escape after it in a string");
      if (code === 0x22) return null;
    }
  }

  #found(): string {
    return this.#text.charAt(this.#at);
  }

  #take(character: string): boolean {
    if (this.#text.charCodeAt(this.#at) !== character.charCodeAt(0)) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  /**
   * Skips the longest prefix that is a number, if any. Written without a pattern: most of a large
   * text are numbers.
   */
  #skipNumber(): boolean {
    let at = this.#at;
    if (this.#text.charCodeAt(at) === 0x2d) at += 1;
    if (!isDigit(this.#text.charCodeAt(at))) return false;
    // A leading zero ends the whole digits.
    at = this.#text.charCodeAt(at) === 0x30 ? at + 1 : this.#behindDigits(at);
    if (this.#text.charCodeAt(at) === 0x2e) at = Math.max(at, this.#behindDigits(at + 1, at));
    const letter = this.#text.charCodeAt(at);
    if (letter === 0x65 || letter === 0x45) {
      const sign = this.#text.charCodeAt(at + 1);
      const digits = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1;
      at = this.#behindDigits(digits, at);
    }
    this.#at = at;
    return true;
  }

  /** Index behind the digits that begin here; `otherwise` without digits. */
  #behindDigits(from: number, otherwise = from): number {
    let at = from;
    while (isDigit(this.#text.charCodeAt(at))) at += 1;
    return at === from ? otherwise : at;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #fault(expected: string): JsonFault {
    let line = 1;
    let lineStart = 0;
    for (let at = 0; at < this.#at; at += 1) {
      if (this.#text.charCodeAt(at) !== 0x0a) continue;
      line += 1;
      lineStart = at + 1;
    }
    const column = this.#at - lineStart + 1;
    const found = this.#found() === "" ? "the end" : JSON.stringify(this.#found());
    return {
      path: jsonPath(this.#steps),
      message: `line ${line}, column ${column}: ${expected}, found ${found}`,
    };
  }
}
