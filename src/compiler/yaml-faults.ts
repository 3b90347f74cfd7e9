/**
 * Explains the syntax errors of the YAML parser in words for users. The parser names a rule of the
 * grammar, often a line before or after the slip of the user. Each rule here recognises a usual
 * slip by the error and the text around the error.
 */
import type { YAMLError } from "yaml";
import { BLANK, lookalikeHint, nameOf } from "./lookalikes.ts";
import { openBrackets, quotedTexts, unclosedBracket } from "./yaml-brackets.ts";
import { deeperLine, flatText, unevenLine } from "./yaml-indentation.ts";
import { lineOf, plainValueAt } from "./yaml-lines.ts";
import {
  endOf,
  firstWord,
  type Found,
  inQuotes,
  range,
  type Range,
  restOfLine,
  type Rule,
  type Slip,
  slip,
  type YamlFault,
} from "./yaml-slips.ts";

/** The limit of explained slips: a file with more is no YAML at all. */
const MAX_FAULTS = 50;

/** The rules in the order in which they are tried. */
const RULES: readonly Rule[] = [
  openQuote,
  textBehindQuote,
  textBehindBracket,
  openBracket,
  strayBracket,
  lookalikeComma,
  lookalikeBlank,
  missingComma,
  missingSpace,
  reservedStart,
  deeperLine,
  colonInText,
  flatText,
  missingColon,
  unevenLine,
  directive,
  wrongEscape,
  nonTextKey,
];

/**
 * Explains syntax errors, in file order. The parser often reports one slip several times, so only
 * the first error of a line counts, and nothing behind a quote or bracket that stays open.
 */
export function explainSyntaxErrors(text: string, errors: readonly YAMLError[]): YamlFault[] {
  if (errors.some(({ code }) => code === "TAB_AS_INDENT")) return tabIndents(text);
  const faults: YamlFault[] = [];
  const told = new Set<number>();
  const quoted = quotedTexts(text);
  for (const error of errors) {
    if (faults.length === MAX_FAULTS) break;
    const at = lastWritten(text, error.pos[0]);
    const line = lineOf(text, at);
    if (told.has(line.start)) continue;
    const rest = text.slice(at, endOf(line));
    const found = { text, quoted, error, at, line, rest };
    const { isOpen = false, ...fault }: Slip = firstOf(RULES, found) ?? unknownFault(found);
    const isNew = !told.has(lineOf(text, fault.start).start);
    told.add(line.start).add(lineOf(text, fault.start).start);
    if (isNew) faults.push(fault);
    if (isOpen) break;
  }
  return faults;
}

/** Finds every line that a tab indents: the parser stops at the first. */
function tabIndents(text: string): YamlFault[] {
  const found = [...text.matchAll(/^( *)(\t[\t ]*)(?=[^\s#])/gm)].slice(0, MAX_FAULTS);
  return found.map(({ index, 1: spaces = "", 2: tabs = "" }) =>
    slip("PEACH004", range(index + spaces.length, tabs.length), {
      message: "a tab indents this line",
      hint: "YAML is indented with spaces",
    }),
  );
}

/** Tries the rules in order; null if no rule knows the error. */
function firstOf(rules: readonly Rule[], found: Found): Slip | null {
  for (const rule of rules) {
    const known = rule(found);
    if (known !== null) return known;
  }
  return null;
}

/** Keeps the message of the parser, which is better than none. */
function unknownFault({ error, at }: Found): YamlFault {
  const place = { start: at, end: Math.max(at + 1, error.pos[1]) };
  return slip("PEACH003", place, { message: `this is not valid YAML: ${error.message}` });
}

/**
 * A text whose closing quote is missing. The text goes on to the end of the file, or to the next
 * quote of another text:
 *
 *     description: "Speech to text
 *     schedule: "0 3 * * *"
 */
function openQuote({ text, quoted, error, at }: Found): Slip | null {
  const isOpen = /closing ['"]quote/.test(error.message);
  // A text of several lines with more text behind has taken the quote of a later text.
  const swallower = quoted.find(
    ([start, end]) =>
      text.slice(start, end).includes("\n") &&
      /^[ \t]*[^\s#:,\]}]/.test(text.slice(end, end + 200)),
  );
  const before = swallower ?? (isOpen ? quoted.at(-1) : undefined);
  if (before === undefined) return null;
  const [start, end] = before;
  if (!isOpen && (end > at || text.slice(end, at).trim() !== "")) return null;
  const quote = text.charAt(start);
  return slip("PEACH012", restOfLine(text, start), {
    message: `the quote ${quote} that opens here is not closed in this line`,
    hint: `put a ${quote} behind the text`,
    isOpen: true,
  });
}

/** Text after a closing quote, often an apostrophe within single quotes: `'The editor's text'`. */
function textBehindQuote({ text, quoted, error, at }: Found): Slip | null {
  if (!/scalar at node end/.test(error.message)) return null;
  const before = quoted.findLast(([start]) => start < at);
  if (before === undefined || text.slice(before[1], at).trim() !== "") return null;
  const isApostrophe = text.charAt(before[0]) === "'" && before[1] === at;
  return slip("PEACH013", restOfLine(text, at), {
    message: "the text ends at the quote before this, and more text follows",
    hint: isApostrophe
      ? "an apostrophe within single quotes is written twice; or put the text in double quotes"
      : 'put the whole text in quotes; a quote within double quotes is written \\"',
  });
}

/** A comma or another mark after a closing bracket at the end of a line: `{method: a},`. */
function textBehindBracket({ text, error, at, line, rest }: Found): Slip | null {
  if (!/ at node end/.test(error.message)) return null;
  if (!/[\]}]\s*$/.test(text.slice(line.start, at)) || openBrackets(text, at).length > 0)
    return null;
  return slip("PEACH013", range(at, rest.length), {
    message: `the value ends at the bracket before this, and \`${rest}\` follows`,
    hint: /^[,;]/.test(rest)
      ? "remove it: a line of YAML needs no mark at its end"
      : "put the whole value in quotes if it is a text; else begin a new line for it",
  });
}

/**
 * A bracket without a counterpart. Also a line within brackets with the indentation of the line
 * that opens the brackets:
 *
 *     transcribe: {method: a,
 *     timeout: 5m}
 */
function openBracket({ text, error, at, line }: Found): Slip | null {
  if (!/^Flow (map|sequence)/.test(error.message)) return null;
  const open = unclosedBracket(text);
  if (open !== null)
    return slip("PEACH019", range(open, 1), {
      message: `the ${text.charAt(open)} that opens here is not closed`,
      hint: `put a ${text.charAt(open) === "{" ? "}" : "]"} at its end`,
      isOpen: true,
    });
  if (at - line.start > line.indent + 1) return null;
  return slip("PEACH017", firstWord(line), {
    message: "a line above opens a bracket, and this line within is not indented further",
    hint: "indent it by more spaces",
  });
}

/** A closing bracket without an opening bracket before, such as the last in `{method: a}}`. */
function strayBracket({ text, error, at }: Found): Slip | null {
  if (!/Unexpected flow-(map|seq)-end/.test(error.message)) return null;
  return slip("PEACH019", range(at, 1), {
    message: `this ${text.charAt(at)} closes nothing`,
    hint: "remove it, or open a bracket before it",
  });
}

/** A comma of a Chinese or Japanese keyboard between two keys: `{method: a，timeout: 5m}`. */
function lookalikeComma({ error, at, rest }: Found): Slip | null {
  if (error.code !== "BLOCK_IN_FLOW") return null;
  const found = /[\uFF0C\u3001](?=\s*[\w-]+:(?:\s|$))/.exec(rest);
  if (found === null) return null;
  return slip("PEACH020", range(at + found.index, 1), {
    message: `${nameOf(found[0])} is no comma of YAML, but part of the text before it`,
    hint: "write , in its place",
  });
}

/** A blank of a web page in place of the space behind a colon. */
function lookalikeBlank({ error, at, rest }: Found): Slip | null {
  if (error.code !== "MULTILINE_IMPLICIT_KEY" && error.code !== "MISSING_CHAR") return null;
  const [before = "", blank = ""] = new RegExp(`^[\\w-]+:(${BLANK.source})`).exec(rest) ?? [];
  if (blank === "") return null;
  return slip("PEACH015", range(at, rest.length), {
    message: `a space is missing after the colon of \`${before.slice(0, -2)}\``,
    hint: lookalikeHint(rest),
  });
}

/** Two entries within brackets and no comma between them: `{method: a timeout: 5m}`. */
function missingComma({ text, error, at, rest }: Found): Slip | null {
  if (/ at node end/.test(error.message) && openBrackets(text, at).length > 0) {
    const word = /^("[^"]*"|'[^']*'|[^\s,:\]}]+)/.exec(rest)?.[0] ?? "";
    return slip("PEACH020", range(at, Math.max(1, word.length)), {
      message: `a comma is missing before \`${word}\``,
    });
  }
  if (error.code !== "BLOCK_IN_FLOW") return null;
  const [whole, before = "", key = ""] = /^(.*?)\s+(\S+):(\s|$)/.exec(rest) ?? [];
  if (whole === undefined) return null;
  return slip("PEACH020", range(at + whole.lastIndexOf(`${key}:`), key.length), {
    message: `a comma is missing before \`${key}\``,
    hint: `write ${before}, ${key}: …`,
  });
}

/** A missing space: after a colon (`method:a`), after a dash (`-a`), before a comment. */
function missingSpace({ error, at, line, rest }: Found): Slip | null {
  if (error.message.startsWith("Comments must be separated"))
    return slip("PEACH015", range(at, 1), {
      message: "a space is missing before the # of this comment",
      hint: "a # without a space before it is part of a text",
    });
  if (error.code !== "MULTILINE_IMPLICIT_KEY" && error.code !== "MISSING_CHAR") return null;
  const [, key, value = ""] = /^([\w-]+):([^\s:].*)$/.exec(rest) ?? [];
  if (key !== undefined)
    return slip("PEACH015", range(at, rest.length), {
      message: `a space is missing after the colon of \`${key}\``,
      hint: `write ${key}: ${value}`,
    });
  const [, item] = /^-([^\s-].*)$/.exec(rest) ?? [];
  if (item === undefined || line.indent !== at - line.start) return null;
  return slip("PEACH015", range(at, rest.length), {
    message: "a space is missing after the dash of this list item",
    hint: `write - ${item}`,
  });
}

/**
 * A value that begins with a mark of YAML, such as the cron expression in `schedule: * 3 * * *`.
 */
function reservedStart({ text, error, at }: Found): Slip | null {
  // Two braces are a placeholder of a template.
  const isTemplate = text.slice(at - 1, at + 1) === "{{";
  const place = isTemplate ? templateAt(text, at - 1) : plainValueAt(text, at);
  const value = text.slice(place.start, place.end);
  const isReserved =
    isTemplate ||
    ["BAD_SCALAR_START", "BAD_ALIAS", "TAG_RESOLVE_FAILED"].includes(error.code) ||
    /Unexpected alias at node end|^Block scalar header includes/.test(error.message) ||
    (error.code === "NON_STRING_KEY" && /^\*\S*\s+[^:\s]/.test(value)) ||
    (/^[?|>]/.test(value) && /^Not a YAML token|^Nested mappings/.test(error.message));
  if (!isReserved) return null;
  return slip("PEACH014", place, {
    message: `a text that begins with ${value.charAt(0)} must be in quotes`,
    hint: `write ${inQuotes(value)}`,
  });
}

/**
 * Returns the range of a placeholder and the text behind; within brackets it ends at its braces.
 */
function templateAt(text: string, start: number): Range {
  const rest = restOfLine(text, start);
  if (openBrackets(text, start).length === 0) return rest;
  const [braces] = /^\{\{.*?\}\}/.exec(text.slice(start, rest.end)) ?? [];
  return braces === undefined ? rest : range(start, braces.length);
}

/** A colon and a space within a text without quotes (`Step 1: fetch`), or two keys in one line. */
function colonInText({ text, error, at, line }: Found): Slip | null {
  if (error.code !== "BLOCK_AS_IMPLICIT_KEY") return null;
  const place = plainValueAt(text, at);
  const value = text.slice(place.start, place.end);
  const [key] = /^[\w-]+(?=:(\s|$))/.exec(value) ?? [];
  if (!/:(\s|$)/.test(value) || place.end > endOf(line)) return null;
  const quoted = `put the text in quotes: ${inQuotes(value)}`;
  return slip("PEACH018", place, {
    message: "this text holds a colon and a space, so that it is read as a key and a value",
    hint:
      key === undefined
        ? quoted
        : `${quoted}; or begin a new line before \`${key}\`, indented further`,
  });
}

/** A key without a colon on a line of its own, with or without a value: `method a`. */
function missingColon({ error, at, line, rest }: Found): Slip | null {
  if (error.code !== "MULTILINE_IMPLICIT_KEY" && error.code !== "MISSING_CHAR") return null;
  if (at - line.start !== line.indent || rest === "" || /[:#]/.test(rest)) return null;
  // A keyboard for Chinese or Japanese makes a full-width colon.
  const [name = "", ...more] = rest
    .replace(/\s*[=\uFF1A]\s*/, " ")
    .trim()
    .split(/\s+/);
  const isWide = rest.includes("\uFF1A");
  return slip("PEACH016", range(at, rest.length), {
    message: isWide
      ? `${nameOf("\uFF1A")} after \`${name}\` is no colon of YAML`
      : `a colon is missing after \`${name}\``,
    hint: more.length === 0 ? `write ${name}:` : `write ${name}: ${more.join(" ")}`,
  });
}

/** A line that begins with `%`, by which YAML gives directions to a parser: `%YAML 1.1`. */
function directive({ text, error, line }: Found): Slip | null {
  if (!error.message.startsWith("Missing directives-end")) return null;
  return slip("PEACH003", restOfLine(text, /^%/m.exec(text)?.index ?? line.start), {
    message: "a line that begins with % gives directions to a YAML parser",
    hint: "remove the line",
  });
}

/** A backslash in double quotes that begins no escape: `"C:\calls"`. */
function wrongEscape({ text, error, at }: Found): Slip | null {
  if (error.code !== "BAD_DQ_ESCAPE") return null;
  return slip("PEACH003", range(at, 2), {
    message: `\`${text.slice(at, at + 2)}\` is no escape of a text in double quotes`,
    hint:
      "write \\\\ for a backslash, " +
      "or put the text in single quotes, in which a backslash is itself",
  });
}

/** A list, mapping or alias in the place of a key. */
function nonTextKey({ error, at }: Found): Slip | null {
  if (error.code !== "NON_STRING_KEY") return null;
  return slip("PEACH007", range(at, error.pos[1] - at), {
    message: "a list, a mapping or an alias cannot be a key",
    hint: "a key is a text",
  });
}

/** Moves an offset at the end of the file to the last visible character, for a line to show. */
function lastWritten(text: string, offset: number): number {
  return text.slice(offset).trim() === "" ? Math.max(0, text.trimEnd().length - 1) : offset;
}
