/**
 * Reads source maps, version 3. Mappings are base64 VLQ: each number is the difference from the one
 * before it in the same field, lines are separated by `;` and segments by `,`. A segment has the
 * fields column, source, line and column of the source, and name; the last four may be absent.
 */

/** A position of a bundle with the position in a source that it was made from. */
export interface Segment {
  /** The line in the bundle, from 1. */
  readonly line: number;
  /** The column in the bundle, from 0. */
  readonly column: number;
  /** Index in `sources` of the map. */
  readonly source: number;
  /** The line in the source, from 1. */
  readonly sourceLine: number;
  /** The column in the source, from 0. */
  readonly sourceColumn: number;
  /** Index in `names` of the map, for an identifier that the bundler has renamed. */
  readonly name: number | null;
}

/** The fields of a source map that positions are read from. */
export interface SourceMapText {
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
}

/** The digits of base64, in the order of their values. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES: readonly number[] = Array.from({ length: 128 }, (_, code) =>
  DIGITS.indexOf(String.fromCharCode(code)),
);
/** Numbers are written in groups of five bits; the sixth says that another group follows. */
const GROUP_BITS = 5;
const CONTINUES = 1 << GROUP_BITS;

/** Parses a source map. Throws if the text is none. */
export function parseSourceMap(text: string): SourceMapText {
  const map: unknown = JSON.parse(text);
  if (
    typeof map === "object" &&
    map !== null &&
    "sources" in map &&
    "names" in map &&
    "mappings" in map &&
    Array.isArray(map.sources) &&
    Array.isArray(map.names) &&
    typeof map.mappings === "string"
  )
    return { sources: map.sources, names: map.names, mappings: map.mappings };
  throw new Error("the text is no source map");
}

/** Decodes the mappings in the order of the bundle, without those that lead to no source. */
export function* segmentsOf(mappings: string): Generator<Segment> {
  let [line, column, source, sourceLine, sourceColumn, name] = [1, 0, 0, 1, 0, 0];
  let fields: number[] = [];
  let [value, shift] = [0, 0];
  for (let index = 0; index <= mappings.length; index += 1) {
    const code = mappings.charCodeAt(index);
    const digit = VALUES[code] ?? -1;
    if (digit !== -1) {
      value += (digit & (CONTINUES - 1)) << shift;
      shift += GROUP_BITS;
      if ((digit & CONTINUES) === 0) {
        // The lowest bit is the sign.
        fields.push((value & 1) === 1 ? -(value >>> 1) : value >>> 1);
        [value, shift] = [0, 0];
      }
      continue;
    }
    // A comma, a semicolon, or the end.
    const [columns, sources, lines, columnsThere, names] = fields;
    column += columns ?? 0;
    if (sources !== undefined && lines !== undefined && columnsThere !== undefined) {
      source += sources;
      sourceLine += lines;
      sourceColumn += columnsThere;
      name += names ?? 0;
      yield {
        line,
        column,
        source,
        sourceLine,
        sourceColumn,
        name: names === undefined ? null : name,
      };
    }
    fields = [];
    if (mappings[index] === ";") [line, column] = [line + 1, 0];
  }
}
