/** The content of peach.conf, with the place of every key and value for diagnostics. */
import { type Document, isMap, isPair, isSeq, type Node, type Pair, type YAMLMap } from "yaml";
import { MAX_TASKS } from "../domain/plan/run-graph.ts";
import type { SourceFile, Span } from "./source.ts";
import {
  type AliasTargets,
  aliasTargets,
  hasLostAlias,
  isMergeKey,
  isNode,
  isWritten,
  keyText,
  resolved,
} from "./yaml-nodes.ts";

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
    if (!removeFrom(document.contents, paths) || hasLostAlias(document)) return null;
    return new ConfFile(this.source, document, toData(document));
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
 * Removes the values at these paths from a node. Returns false without any such value. The value of
 * an alias stays. Each mapping is indexed once, since a large file may have a problem in each key.
 */
function removeFrom(node: unknown, paths: readonly Path[]): boolean {
  if (!isMap(node) && !isSeq(node)) return false;
  const pairs = isMap(node) ? new Map(node.items.map((pair) => [keyText(pair), pair])) : null;
  const itemOf = (segment: PropertyKey = ""): unknown =>
    isSeq(node) ? node.items[Number(segment)] : pairs?.get(String(segment));
  const removed = new Set<unknown>();
  let isFound = false;
  for (const [item, below] of Map.groupBy(paths, ([segment]) => itemOf(segment))) {
    if (item === undefined) continue;
    const rests = below.map((path) => path.slice(1));
    if (rests.some(({ length }) => length === 0)) removed.add(item);
    else if (removeFrom(isPair(item) ? item.value : item, rests)) isFound = true;
  }
  if (removed.size === 0) return isFound;
  if (isMap(node)) node.items = node.items.filter((item) => !removed.has(item));
  else node.items = node.items.filter((item) => !removed.has(item));
  return true;
}

/**
 * The limit of uses of an anchor, multiplied by the aliases within. Each task of the largest run
 * may use the same anchor, while aliases of aliases must not expand without end.
 */
const MAX_ALIASES = MAX_TASKS;

/** Converts a document to plain data. Throws `ReferenceError` where aliases expand too far. */
export function toData(document: Document): unknown {
  return document.toJS({ maxAliasCount: MAX_ALIASES });
}
