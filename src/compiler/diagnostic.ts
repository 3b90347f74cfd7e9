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
 * Makes a `Report` or a `Warn` that appends to `diagnostics`. The caller keeps a list for errors and
 * another for warnings.
 */
export function reportInto(diagnostics: Diagnostic[]): ReportOf<Code> {
  return (code, span, message, more = {}) => {
    diagnostics.push({ code, span, message, hint: more.hint ?? null, related: more.related ?? [] });
  };
}

/**
 * Sorts diagnostics by file and place. The files of peach.conf lead, in the given order; other
 * files follow by path.
 */
export function inFileOrder(
  diagnostics: readonly Diagnostic[],
  confFiles: readonly string[],
): Diagnostic[] {
  const rank = ({ span }: Diagnostic): number => {
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

/** Renders a diagnostic as text for people, without a line break at its end. */
export function renderDiagnostic({ code, span, message, hint, related }: Diagnostic): string {
  const [what = "", ...details] = message.split("\n");
  const lines = [
    `${renderPlace(span)}: ${what} [${code}]`,
    ...renderToken(span),
    ...details.map((detail) => `  ${detail}`),
  ];
  for (const place of related)
    lines.push(`  ${renderPlace(place.span)}: ${place.message}`, ...renderToken(place.span));
  if (hint !== null) lines.push(`  hint: ${hint.replaceAll("\n", "\n    ")}`);
  return lines.join("\n");
}

/** Renders `path:line:column`, which terminals and editors turn into a link. */
function renderPlace({ source, start }: Span): string {
  const { line, column } = positionAt(source, start);
  return `${source.path}:${line}:${column}`;
}

/**
 * Renders the source line and a marker below the token. Tabs are kept in the marker line, so that
 * the marker stands below the token. Empty lines have no marker.
 */
function renderToken(span: Span): string[] {
  const text = lineAt(span.source, span.start);
  if (text.trim() === "") return [];
  const { line, column } = positionAt(span.source, span.start);
  // A token may span several lines; the marker ends with the first.
  const width = Math.max(1, Math.min(span.end - span.start, text.length - column + 1));
  const before = text.slice(0, column - 1).replaceAll(/[^\t]/g, " ");
  const gutter = String(line);
  return [
    `  ${gutter} | ${text}`,
    `  ${" ".repeat(gutter.length)} | ${before}${"^".repeat(width)}`,
  ];
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
