/**
 * Writes diagnostics as annotations of a hosted CI: lines on stdout with the beginning `::error` or
 * `::warning`, which the host shows beside the changed lines.
 */
import { type Diagnostic, diagnosticDocument } from "../../compiler/diagnostic.ts";

/** Writes a diagnostic as a single line. */
export function annotation(diagnostic: Diagnostic): string {
  const { code, severity, title, message, hint, related, ...place } =
    diagnosticDocument(diagnostic);
  // Without the end of the line itself the host refuses columns.
  const isOneLine = place.line === place.end_line && place.column < place.end_column;
  const properties = {
    file: place.file,
    line: place.line,
    col: place.column,
    ...(isOneLine && { endLine: place.end_line, endColumn: place.end_column }),
    title: `${code} ${title}`,
  };
  const text = [
    message,
    ...related.map((one) => `${one.file}:${one.line}:${one.column}: ${one.message}`),
    ...(hint === null ? [] : [`hint: ${hint}`]),
  ].join("\n");
  const given = Object.entries(properties).map(
    ([name, value]) => `${name}=${escapeProperty(String(value))}`,
  );
  return `::${severity} ${given.join(",")}::${escapeText(text)}`;
}

/** Escapes a message: the runner reads one line, and decodes percent signs. */
function escapeText(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** Escapes the value of a property, which also ends at a comma or a colon. */
function escapeProperty(value: string): string {
  return escapeText(value).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
