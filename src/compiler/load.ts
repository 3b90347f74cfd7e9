/**
 * Reads peach.conf as YAML and keeps the place of every key and value for diagnostics. Knows
 * nothing about the meaning of keys.
 */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { MAX_TASKS } from "../domain/plan/run-graph.ts";
import type { Report } from "./diagnostic.ts";
import type { SourceFile, Span } from "./source.ts";
import { explainSyntaxErrors } from "./yaml-faults.ts";

/** Keys and list indexes from the root of the file to a value. */
export type Path = readonly PropertyKey[];

/** A peach.conf without syntax errors: a file, or the joined files of a folder. */
export interface LoadedConf {
  /** The content as plain data, with anchors and merge keys resolved. */
  readonly value: unknown;
  /** The first file, where problems without a place are shown. */
  readonly source: SourceFile;

  /** Finds the key at the end of this path, or the deepest written key above it. */
  keySpan(path: Path): Span;

  /** Finds the value at this path, or its key if the value is empty. */
  valueSpan(path: Path): Span;

  /**
   * Returns the value at this path as the user wrote it, for "given ..." in messages. Mappings and
   * lists are named, not quoted; texts are cut after 60 characters.
   */
  given(path: Path): string;

  /**
   * Drops the unwritten parts of this path. A shorthand (`retries: 3` for `retries: {limit: 3}`)
   * has fewer parts than its full form.
   */
  writtenPath(path: Path): Path;

  /**
   * Copies the conf without the values at these written paths; the other values keep their places.
   * Returns null if no value can be left out, for example if it comes from an alias.
   */
  without(paths: readonly Path[]): LoadedConf | null;
}

/** A YAML file without syntax errors. */
export class ConfFile implements LoadedConf {
  readonly value: unknown;
  readonly source: SourceFile;
  readonly #document: Document;
  readonly #targets: AliasTargets;
  readonly #pairs = new WeakMap<YAMLMap, ReadonlyMap<string | null, Pair>>();

  constructor(source: SourceFile, document: Document, value: unknown) {
    this.source = source;
    this.value = value;
    this.#document = document;
    this.#targets = aliasTargets(document);
  }

  keySpan(path: Path): Span {
    return this.#span(this.#walk(path).key);
  }

  valueSpan(path: Path): Span {
    const { key, value } = this.#walk(path);
    return this.#span(isWritten(value) ? value : key);
  }

  given(path: Path): string {
    const { value } = this.#walk(path);
    const node = resolved(value, this.#targets);
    if (isMap(node)) return "a mapping";
    if (isSeq(node)) return node.items.length === 0 ? "an empty list" : "a list";
    if (!isWritten(node)) return "nothing";
    const { start, end } = this.#span(node);
    const written = this.source.text.slice(start, end).replaceAll(/\s+/g, " ");
    return written.length > 60 ? `${written.slice(0, 60)}...` : written;
  }

  writtenPath(path: Path): Path {
    return this.#walk(path).written;
  }

  without(paths: readonly Path[]): ConfFile | null {
    const document = this.#document.clone();
    // The last item of a list is removed first, so that the indexes of earlier items stay valid.
    const left = paths.toReversed().filter((path) => {
      const parent = document.getIn(path.slice(0, -1), true);
      return isCollection(parent) && parent.delete(path.at(-1));
    });
    if (left.length === 0) return null;
    try {
      return new ConfFile(this.source, document, toData(document));
    } catch (error) {
      // An alias refers to a value that was left out.
      if (error instanceof ReferenceError) return null;
      throw error;
    }
  }

  /** Follows the path as far as it is written out. */
  #walk(path: Path): { key: Node | null; value: Node | null; written: Path } {
    let key: Node | null = null;
    let value: Node | null = this.#document.contents;
    const written: PropertyKey[] = [];
    for (const segment of path) {
      const next = this.#step(value, segment);
      if (next === null) continue;
      written.push(segment);
      key = next.key;
      value = next.value;
    }
    return { key, value, written };
  }

  /** Takes one step into a mapping or list; null if the segment is not there. */
  #step(from: Node | null, segment: PropertyKey): { key: Node | null; value: Node | null } | null {
    const node = resolved(from, this.#targets);
    if (isSeq(node)) {
      const item = typeof segment === "number" ? node.items[segment] : undefined;
      return isNode(item) ? { key: item, value: item } : null;
    }
    if (!isMap(node)) return null;
    const pair = this.#pairsOf(node).get(String(segment)) ?? this.#mergedPair(node, segment);
    if (pair === undefined) return null;
    return {
      key: isNode(pair.key) ? pair.key : null,
      value: isNode(pair.value) ? pair.value : null,
    };
  }

  /**
   * Indexes the pairs of a mapping by key; the last of a repeated key counts. The index is kept,
   * since each key of a large file is looked up.
   */
  #pairsOf(map: YAMLMap): ReadonlyMap<string | null, Pair> {
    const known = this.#pairs.get(map);
    if (known !== undefined) return known;
    const pairs = new Map(map.items.map((pair) => [keyText(pair), pair]));
    this.#pairs.set(map, pairs);
    return pairs;
  }

  /** Finds a key that comes from `<<`; the first mapping of a list wins, as in YAML. */
  #mergedPair(map: YAMLMap, segment: PropertyKey): Pair | undefined {
    for (const pair of map.items) {
      if (!isMergeKey(pair.key)) continue;
      const merged = resolved(pair.value, this.#targets);
      for (const one of isSeq(merged) ? merged.items : [merged]) {
        const source = resolved(one, this.#targets);
        if (!isMap(source)) continue;
        const found =
          this.#pairsOf(source).get(String(segment)) ?? this.#mergedPair(source, segment);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** Converts the range of a node. A node without a range is shown at the start of the file. */
  #span(node: Node | null): Span {
    const [start, end] = node?.range ?? [0, 0];
    return { source: this.source, start, end };
  }
}

/**
 * Parses a file, or reports why it is no valid YAML and returns null. Returns "empty" for a file
 * without any key.
 */
export function loadFile(source: SourceFile, report: Report): ConfFile | "empty" | null {
  const document = parseDocument(source.text, {
    merge: true,
    prettyErrors: false,
    uniqueKeys: true,
    stringKeys: true,
    // Whole numbers come as BigInt, so that none is rounded before it is checked.
    intAsBigInt: true,
    logLevel: "error",
  });
  const at = ([start, end]: readonly [number, number]): Span => ({ source, start, end });
  if (!checkCharacters(source, report)) return null;
  const unresolved = document.warnings.filter(({ code }) => code === "TAG_RESOLVE_FAILED");
  const syntaxErrors = [...document.errors, ...unresolved].filter(
    (error) => !reportKnownError(document, error, at(error.pos), report),
  );
  for (const { code, start, end, message, hint } of explainSyntaxErrors(source.text, syntaxErrors))
    report(code, at([start, end]), message, { hint });
  // After a repeated key the rest of the file is readable, so its other problems are reported too.
  let readable =
    unresolved.length === 0 && document.errors.every(({ code }) => code === "DUPLICATE_KEY");
  if (!readable) return null;
  const targets = aliasTargets(document);
  visit(document, {
    Scalar: (_key, scalar) => {
      const exact = typeof scalar.value === "bigint" ? Number(scalar.value) : null;
      if (exact !== null && Number.isSafeInteger(exact)) scalar.value = exact;
    },
    Alias: (_key, alias) => {
      if (targets.has(alias)) return;
      const [start, end] = alias.range ?? [0, 0];
      report("PEACH008", at([start, end]), `no anchor &${alias.source} stands before this alias`, {
        hint: "an anchor is declared with &name, once, before its first *name",
      });
      readable = false;
    },
    Pair: (_key, { key, value }, path) => {
      const circular = isMergeKey(key) ? mergedAncestor(targets, value, path) : null;
      if (circular !== null) {
        const [start, end] = circular.range ?? [0, 0];
        reportAliases(at([start, end]), report);
        readable = false;
        return;
      }
      const wrong = isMergeKey(key) ? wronglyMerged(targets, key, value) : null;
      if (wrong === null) return;
      const [start, end] = wrong.range ?? [0, 0];
      report(
        "PEACH009",
        at([start, end]),
        "`<<` takes over the keys of a mapping, and this is none",
        {
          hint: "give it the alias of a mapping, `<<: *name`, or a list of such aliases",
        },
      );
      readable = false;
    },
  });
  if (!readable) return null;
  if (
    document.contents === null ||
    (isScalar(document.contents) && document.contents.value === null)
  )
    return "empty";
  try {
    return new ConfFile(source, document, toData(document));
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    reportAliases(at(firstAlias(document)), report);
    return null;
  }
}

/** Reports a file in another encoding, and characters that only look like spaces. */
function checkCharacters(source: SourceFile, report: Report): boolean {
  const { text } = source;
  const foreign = /\0|^\uFFFD\uFFFD/.exec(text);
  if (foreign !== null) {
    const { index: start } = foreign;
    report("PEACH021", { source, start, end: start + 1 }, "the file is not UTF-8", {
      hint: "save it as UTF-8",
    });
    return false;
  }
  const blanks = [...text.matchAll(/^([ \t]*)([\u00A0\u2000-\u200B\u202F\u205F\u3000]+)/gm)];
  for (const { index, 1: before = "", 2: wrong = "" } of blanks) {
    const start = index + before.length;
    report(
      "PEACH004",
      { source, start, end: start + wrong.length },
      "characters that only look like spaces indent this line",
      { hint: "replace them by spaces: they often come with text copied from a web page" },
    );
  }
  return blanks.length === 0;
}

/** Recognises the merge key `<<`; in quotes it is a normal key. */
function isMergeKey(key: unknown): key is Scalar {
  return isScalar(key) && key.type === "PLAIN" && key.value === "<<";
}

/**
 * Finds the value of a merge key that is neither a mapping nor a list of mappings. Returns null for
 * a right one.
 */
function wronglyMerged(targets: AliasTargets, key: Scalar, value: unknown): Node | null {
  const source = resolved(value, targets);
  const isWrong = (item: unknown): boolean => !isMap(resolved(item, targets));
  const wrong = isSeq(source)
    ? source.items.find(isWrong)
    : isWrong(source)
      ? (value ?? key)
      : null;
  if (!isNode(wrong)) return null;
  return isWritten(wrong) ? wrong : key;
}

/** Finds an alias in the value of a merge key that stands for a mapping around the key. */
function mergedAncestor(
  targets: AliasTargets,
  value: unknown,
  path: readonly unknown[],
): Node | null {
  const sources = isSeq(value) ? value.items : [value];
  const found = sources.find((one) => isAlias(one) && path.includes(targets.get(one)));
  return isNode(found) ? found : null;
}

/** Reports aliases that expand without end. */
function reportAliases(span: Span, report: Report): void {
  report("PEACH010", span, "the aliases stand for too much, or for themselves", {
    hint: "an alias repeats a few keys: write the others out",
  });
}

/** Finds the first alias, the best known place for an error that has none. */
function firstAlias(document: Document.Parsed): readonly [number, number] {
  let [start, end] = [0, 0];
  visit(document, {
    Alias: (_key, alias) => {
      [start = 0, end = 0] = alias.range ?? [];
      return visit.BREAK;
    },
  });
  return [start, end];
}

/**
 * Reports an error of the parser that has one meaning. Returns false for an error of syntax, which
 * needs a look at the text around it.
 */
function reportKnownError(
  document: Document.Parsed,
  error: YAMLError,
  span: Span,
  report: Report,
): boolean {
  const { source } = span;
  if (error.code === "DUPLICATE_KEY") {
    const key = keySpan(span);
    const first = firstOfRepeated(document, span.start);
    report(
      "PEACH005",
      key,
      `\`${source.text.slice(key.start, key.end)}\` stands twice in one mapping`,
      {
        hint: "keep one of the two",
        related:
          first === null ? [] : [{ span: { source, ...first }, message: "it stands here first" }],
      },
    );
  } else if (error.code === "MULTIPLE_DOCS") {
    // The parser points behind a line `...`, which ends a document.
    const ended = source.text.lastIndexOf("\n...", span.start) + 1;
    const isBegun = ended === 0 || source.text.startsWith("---", span.start);
    report(
      "PEACH006",
      isBegun ? span : { source, start: ended, end: ended + 3 },
      isBegun ? "a second document begins here" : "the document ends here, and more follows",
      { hint: "the file is one document: remove the line" },
    );
  } else return false;
  return true;
}

/** Finds the key that a repeated key at this offset repeats. */
function firstOfRepeated(
  document: Document.Parsed,
  offset: number,
): { readonly start: number; readonly end: number } | null {
  let first: Node | null = null;
  visit(document, {
    Map: (_key, map) => {
      const repeated = map.items.find(({ key }) => isNode(key) && key.range?.[0] === offset);
      if (repeated === undefined) return undefined;
      const earlier = map.items.find((pair) => keyText(pair) === keyText(repeated));
      first = isNode(earlier?.key) ? earlier.key : null;
      return visit.BREAK;
    },
  });
  const [start, end] = nodeRange(first);
  return end > start && start < offset ? { start, end } : null;
}

/** Returns the range of a node in the file. The range of an unwritten node is empty. */
function nodeRange(node: Node | null): readonly [number, number] {
  const [start, end] = node?.range ?? [0, 0];
  return [start, end];
}

/**
 * Extends a span to the whole key, up to its colon. The parser's error covers only its beginning.
 */
function keySpan({ source, start, end }: Span): Span {
  const key = /^("[^"\n]*"|'[^'\n]*'|[^:\n]*)/.exec(source.text.slice(start))?.[0].trimEnd() ?? "";
  return { source, start, end: Math.max(end, start + key.length) };
}

/** The nodes that aliases stand for. An alias without an anchor is absent. */
type AliasTargets = ReadonlyMap<unknown, Node>;

/**
 * Finds the node of each alias: the last one above with this anchor. The library would search the
 * whole document for each alias.
 */
function aliasTargets(document: Document): AliasTargets {
  const anchors = new Map<string, Node>();
  const targets = new Map<unknown, Node>();
  visit(document, {
    Node: (_key, node) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const target = anchors.get(node.source);
      if (target !== undefined) targets.set(node, target);
    },
  });
  return targets;
}

/**
 * The limit of uses of an anchor, multiplied by the aliases within. Each task of the largest run may
 * use the same anchor, while aliases of aliases must not expand without end.
 */
const MAX_ALIASES = MAX_TASKS;

/** Converts a document to plain data. Throws `ReferenceError` where aliases expand too far. */
function toData(document: Document): unknown {
  return document.toJS({ maxAliasCount: MAX_ALIASES });
}

/** Resolves an alias to the node it stands for. */
function resolved(node: unknown, targets: AliasTargets): Node | null {
  const meant = isAlias(node) ? targets.get(node) : node;
  return isNode(meant) ? meant : null;
}

/** Tests for a node of the YAML document. */
function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

/** Tests if a node has any text; an empty value has none. */
function isWritten(node: Node | null | undefined): node is Node {
  const [start, end] = node?.range ?? [0, 0];
  return end > start;
}

/** Converts a key to text; null if the key is no scalar. */
function keyText(pair: Pair): string | null {
  if (!isScalar(pair.key)) return null;
  const { value } = pair.key;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}
