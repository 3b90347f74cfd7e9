/**
 * Reads peach.conf as YAML and keeps the place of every key and value for diagnostics. Knows
 * nothing about the meaning of keys.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from "yaml";
import { ConfFile, toData } from "./conf-file.ts";
import type { Report } from "./diagnostic.ts";
import { nameOf } from "./lookalikes.ts";
import type { SourceFile, Span } from "./source.ts";
import { explainSyntaxErrors } from "./yaml-faults.ts";
import {
  type AliasTargets,
  aliasTargets,
  isMergeKey,
  isNode,
  isWritten,
  resolved,
} from "./yaml-nodes.ts";

/**
 * Parses a file, or reports why it is no valid YAML and returns null. Returns "empty" for a file
 * without any key.
 */
export function loadFile(source: SourceFile, report: Report): ConfFile | "empty" | null {
  const document = parseDocument(source.text, {
    merge: true,
    prettyErrors: false,
    // The library compares each key with every other key of its mapping.
    uniqueKeys: false,
    stringKeys: true,
    // Whole numbers come as BigInt, so that none is rounded before it is checked.
    intAsBigInt: true,
    logLevel: "error",
  });
  const { length } = source.text;
  // The parser places the end of an open bracket one letter behind the end of the file.
  const at = ([start, end]: readonly [number, number]): Span => ({
    source,
    start: Math.min(start, length),
    end: Math.min(end, length),
  });
  if (!checkCharacters(source, report)) return null;
  reportRepeatedKeys(document, source, report);
  const unresolved = document.warnings.filter(({ code }) => code === "TAG_RESOLVE_FAILED");
  const syntaxErrors = [...document.errors, ...unresolved].filter(
    (error) => !reportKnownError(error, at(error.pos), report),
  );
  for (const { code, start, end, message, hint } of explainSyntaxErrors(source.text, syntaxErrors))
    report(code, at([start, end]), message, { hint });
  // After a repeated key the rest of the file is readable, so its other problems are reported too.
  let readable = unresolved.length === 0 && document.errors.length === 0;
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
      {
        hint: `write spaces: ${nameOf(wrong.charAt(0))} often comes with text copied from a web page`,
      },
    );
  }
  return blanks.length === 0;
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
function reportKnownError(error: YAMLError, span: Span, report: Report): boolean {
  if (error.code !== "MULTIPLE_DOCS") return false;
  const { source } = span;
  // The parser points behind a line `...`, which ends a document.
  const ended = source.text.lastIndexOf("\n...", span.start) + 1;
  const isBegun = ended === 0 || source.text.startsWith("---", span.start);
  report(
    "PEACH006",
    isBegun ? span : { source, start: ended, end: ended + 3 },
    isBegun ? "a second document begins here" : "the document ends here, and more follows",
    { hint: "the file is one document: remove the line" },
  );
  return true;
}

/** Reports each key that stands earlier in its mapping, with the first one. */
function reportRepeatedKeys(document: Document.Parsed, source: SourceFile, report: Report): void {
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Map<unknown, Node>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const first = seen.get(key.value);
        if (first === undefined) seen.set(key.value, key);
        else reportRepeatedKey({ first, key }, source, report);
      }
    },
  });
}

function reportRepeatedKey(
  { first, key }: { readonly first: Node; readonly key: Node },
  source: SourceFile,
  report: Report,
): void {
  const span = keySpan(source, nodeRange(key)[0]);
  const [start, end] = nodeRange(first);
  const text = source.text.slice(span.start, span.end);
  report("PEACH005", span, `\`${text}\` stands twice in one mapping`, {
    hint: "keep one of the two",
    related: end > start ? [{ span: { source, start, end }, message: "it stands here first" }] : [],
  });
}

/** Returns the range of a node in the file. The range of an unwritten node is empty. */
function nodeRange(node: Node | null): readonly [number, number] {
  const [start, end] = node?.range ?? [0, 0];
  return [start, end];
}

/** Returns the span of a key, up to its colon. */
function keySpan(source: SourceFile, start: number): Span {
  const key = /^("[^"\n]*"|'[^'\n]*'|[^:\n]*)/.exec(source.text.slice(start))?.[0].trimEnd() ?? "";
  return { source, start, end: start + Math.max(1, key.length) };
}
