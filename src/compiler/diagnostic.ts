/**
 * A problem of the project's files, at a token. Rendered as
 *
 *   peach.conf:3:14: tasks.audio.timeout: expected a duration of at most 14m, given 20m
 *     3 |     timeout: 20m
 *       |              ^^^
 *     hint: ...
 */
import { lineAt, positionAt, type Span } from "./source.ts";

/** Another place that explains the problem, e.g. the next edge of a cycle. */
export interface Related {
  readonly span: Span;
  readonly message: string;
}

/** A problem or a warning, with the place that causes it. */
export interface Diagnostic {
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
export type Report = (
  span: Span,
  message: string,
  more?: { readonly hint?: string | null; readonly related?: readonly Related[] },
) => void;

/** Makes a `Report` that appends to `diagnostics`. */
export function reportInto(diagnostics: Diagnostic[]): Report {
  return (span, message, more = {}) => {
    diagnostics.push({ span, message, hint: more.hint ?? null, related: more.related ?? [] });
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
export function renderDiagnostic({ span, message, hint, related }: Diagnostic): string {
  const [what = "", ...details] = message.split("\n");
  const lines = [
    `${renderPlace(span)}: ${what}`,
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

/** A diagnostic as JSON, for programs. `line` and `column` count from 1. */
export interface DiagnosticDocument {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string | null;
  readonly related: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly message: string;
  }[];
}

/** Converts a diagnostic for output with `--json`. */
export function diagnosticDocument({
  span,
  message,
  hint,
  related,
}: Diagnostic): DiagnosticDocument {
  const place = ({ source, start }: Span) => ({ file: source.path, ...positionAt(source, start) });
  return {
    ...place(span),
    message,
    hint,
    related: related.map((one) => ({ ...place(one.span), message: one.message })),
  };
}
