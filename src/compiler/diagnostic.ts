/**
 * A problem of the project's files, at a token. Rendered as
 *
 *   peach.conf:3:14: tasks.audio.timeout: expected a duration of at most 14m, given 20m [PEACH105]
 *     3 |     timeout: 20m
 *       |              ^^^
 *     hint: ...
 */
import { type Code, CODES, type ErrorCode, type WarningCode } from "../codes/codes.ts";
import { lineAt, positionAt, type Span } from "./source.ts";
import { widthOf } from "./text-width.ts";

/** Another place that explains the problem, e.g. the next edge of a cycle. */
export interface Related {
  readonly span: Span;
  readonly message: string;
}

/** A problem or a warning, with the place that causes it. */
export interface Diagnostic {
  /**
   * The kind of problem. `src/codes/codes.ts` has the title and the explanation of each code, and
   * says how to add one.
   */
  readonly code: Code;
  readonly span: Span;
  /**
   * The first line says what was expected and what was given. Further lines are details, shown
   * below the source line.
   */
  readonly message: string;
  /** The advice to the user, which may have several lines; null if there is none. */
  readonly hint: string | null;
  readonly related: readonly Related[];
}

/**
 * Records a problem. Checks go on after it, so that the user sees all problems of a file at once.
 */
export type Report = ReportOf<ErrorCode>;

/** Records a warning, which prevents no deployment. */
export type Warn = ReportOf<WarningCode>;

/** Records a diagnostic with one of these codes. The severity of the code is its definition's. */
type ReportOf<C extends Code> = (
  code: C,
  span: Span,
  message: string,
  more?: { readonly hint?: string | null; readonly related?: readonly Related[] },
) => void;

/**
 * Makes a `Report` or a `Warn` that appends to `diagnostics`. The caller keeps a list for errors
 * and another for warnings.
 */
export function reportInto(diagnostics: Diagnostic[]): ReportOf<Code> {
  return (code, span, message, more = {}) => {
    diagnostics.push({ code, span, message, hint: more.hint ?? null, related: more.related ?? [] });
  };
}

/**
 * Sorts diagnostics by file and place. Pipeline files that do not parse lead, since other problems
 * may follow from them. The files of peach.conf come next, in the given order, then other files by
 * path.
 */
export function inFileOrder(
  diagnostics: readonly Diagnostic[],
  confFiles: readonly string[],
): Diagnostic[] {
  const rank = ({ code, span }: Diagnostic): number => {
    if (code === "PEACH304") return -1;
    const index = confFiles.indexOf(span.source.path);
    return index === -1 ? confFiles.length : index;
  };
  return diagnostics.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      compare(a.span.source.path, b.span.source.path) ||
      a.span.start - b.span.start,
  );
}

/** Compares by UTF-16 units, so that the order is the same in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The number of times that a hint is written out. */
const HINTS_IN_FULL = 10;

/**
 * Renders diagnostics as text for people, without a line break at the end. A hint that many of them
 * have is written out ten times, and referred to from there on.
 */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], prefix = ""): string {
  const uses = new Map<string, number>();
  const texts = diagnostics.map((diagnostic) => {
    const { code, hint } = diagnostic;
    if (hint === null) return renderDiagnostic(diagnostic);
    const kind = `${code} ${hint}`;
    const count = (uses.get(kind) ?? 0) + 1;
    uses.set(kind, count);
    return renderDiagnostic(
      count > HINTS_IN_FULL ? { ...diagnostic, hint: "as above" } : diagnostic,
    );
  });
  return texts.map((text) => prefix + text).join("\n\n");
}

/** Renders a diagnostic as text for people, without a line break at its end. */
export function renderDiagnostic({ code, span, message, hint, related }: Diagnostic): string {
  const [, ...details] = message.split("\n");
  const lines = [
    renderFirstLine({ code, span, message }),
    ...renderToken(span),
    ...details.map((detail) => `  ${detail}`),
  ];
  for (const place of related)
    lines.push(`  ${renderPlace(place.span)}: ${place.message}`, ...renderToken(place.span));
  if (hint !== null) lines.push(`  hint: ${hint.replaceAll("\n", "\n    ")}`);
  return lines.join("\n");
}

/** Renders the place, the problem and the code. */
function renderFirstLine({ code, span, message }: Pick<Diagnostic, "code" | "span" | "message">) {
  return `${renderPlace(span)}: ${message.split("\n")[0] ?? ""} [${code}]`;
}

/** Renders `path:line:column`, which terminals and editors turn into a link. */
function renderPlace({ source, start }: Span): string {
  const { line, column } = positionAt(source, start);
  return `${source.path}:${line}:${column}`;
}

/**
 * Renders the source line and a marker below the token. Tabs are kept in the marker line, and a
 * wide character has two cells, so that the marker stands below the token. Empty lines have no
 * marker.
 */
function renderToken(span: Span): string[] {
  // Control characters could change the terminal.
  const whole = lineAt(span.source, span.start).replaceAll(/[^\P{Cc}\t]/gu, "\uFFFD");
  if (whole.trim() === "") return [];
  const { line, column: start } = positionAt(span.source, span.start);
  const { text, column } = cutAround(whole, start);
  // A token may span several lines; the marker ends with the first.
  const end = Math.min(text.length, column - 1 + (span.end - span.start));
  const width = Math.max(1, widthOf(text.slice(column - 1, end)));
  const before = text
    .slice(0, column - 1)
    .split("\t")
    .map((part) => " ".repeat(widthOf(part)))
    .join("\t");
  const gutter = String(line);
  return [
    `  ${gutter} | ${text}`,
    `  ${" ".repeat(gutter.length)} | ${before}${"^".repeat(width)}`,
  ];
}

/** The longest source line that is shown whole, in characters. */
const LONGEST = 300;

/**
 * Cuts a long line to the part around a column. JSON is YAML too, and often a single line; a
 * terminal would break the line and part the marker from the token.
 */
function cutAround(
  line: string,
  column: number,
): { readonly text: string; readonly column: number } {
  if (line.length <= LONGEST) return { text: line, column };
  const from = Math.max(0, Math.min(column - LONGEST / 2, line.length - LONGEST));
  const before = from > 0 ? "…" : "";
  const after = from + LONGEST < line.length ? "…" : "";
  return {
    text: `${before}${line.slice(from, from + LONGEST)}${after}`,
    column: column - from + before.length,
  };
}

/**
 * A range of a file as JSON. Lines and columns count from 1; the end is exclusive, so that an empty
 * range ends where it begins.
 */
export interface PlaceDocument {
  /** The path as in messages. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly end_line: number;
  readonly end_column: number;
}

/**
 * A diagnostic as JSON, for programs. The code is stable and may be compared; the texts are for
 * people, and a later release may write them in other words.
 */
export interface DiagnosticDocument extends PlaceDocument {
  readonly code: Code;
  readonly severity: "error" | "warning";
  /** The title of the code; `message` is about this problem. */
  readonly title: string;
  readonly message: string;
  readonly hint: string | null;
  readonly related: readonly (PlaceDocument & { readonly message: string })[];
}

/** Converts a diagnostic for output as JSON. */
export function diagnosticDocument(diagnostic: Diagnostic): DiagnosticDocument {
  const { code, span, message, hint, related } = diagnostic;
  const { severity, title } = CODES[code];
  return {
    code,
    severity,
    title,
    ...placeDocument(span),
    message,
    hint,
    related: related.map((one) => ({ ...placeDocument(one.span), message: one.message })),
  };
}

/** Converts a span to a range of lines and columns. */
function placeDocument({ source, start, end }: Span): PlaceDocument {
  const { line, column } = positionAt(source, end);
  return { file: source.path, ...positionAt(source, start), end_line: line, end_column: column };
}
