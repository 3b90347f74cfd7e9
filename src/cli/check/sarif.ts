/**
 * Writes diagnostics as SARIF 2.1.0, the format by which code hosts and editors show the findings
 * of tools.
 */
import { isAbsolute, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { type Code, CODES } from "../../codes/codes.ts";
import type { Definition } from "../../codes/definition.ts";
import {
  type Diagnostic,
  diagnosticDocument,
  type PlaceDocument,
} from "../../compiler/diagnostic.ts";

/** Makes a SARIF log of a single run, with the version of Peach. */
export function sarifLog(diagnostics: readonly Diagnostic[], version: string): object {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].toSorted();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "peach", semanticVersion: version, rules: codes.map(ruleOf) } },
        columnKind: "utf16CodeUnits",
        results: diagnostics.map((diagnostic) => resultOf(diagnostic, codes)),
      },
    ],
  };
}

/** Describes a code, with the explanation as the help text. */
function ruleOf(code: Code): object {
  const { severity, title, explanation }: Definition = CODES[code];
  const markdown = explanation.trim();
  return {
    id: code,
    shortDescription: { text: title },
    fullDescription: { text: plain(markdown) },
    help: { text: plain(markdown), markdown },
    defaultConfiguration: { level: severity },
  };
}

/** Writes one diagnostic. Details and hint belong to the message: viewers show nothing else. */
function resultOf(diagnostic: Diagnostic, codes: readonly Code[]): object {
  const { code, severity, message, hint, related, ...place } = diagnosticDocument(diagnostic);
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: hint === null ? message : `${message}\nhint: ${hint}` },
    locations: [{ physicalLocation: physicalLocation(place) }],
    ...(related.length > 0 && {
      relatedLocations: related.map(({ message: text, ...other }, id) => ({
        id,
        message: { text },
        physicalLocation: physicalLocation(other),
      })),
    }),
  };
}

/** Converts a place. SARIF counts from 1 and ends exclusively, as `PlaceDocument` does. */
function physicalLocation({ file, line, column, end_line, end_column }: PlaceDocument): object {
  return {
    artifactLocation: { uri: uriOf(file) },
    region: { startLine: line, startColumn: column, endLine: end_line, endColumn: end_column },
  };
}

/** Writes a path as a URI: relative to the current folder, or absolute. */
function uriOf(file: string): string {
  if (isAbsolute(file)) return pathToFileURL(file).href;
  return file.split(sep).map(encodeURIComponent).join("/");
}

/** Removes the marks of Markdown. */
function plain(markdown: string): string {
  return markdown.replaceAll("`", "").replaceAll("\n", " ");
}
