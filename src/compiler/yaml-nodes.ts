/** Questions of the reader of peach.conf to the nodes of a YAML document. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  visit,
} from "yaml";

/** Recognises the merge key `<<`; in quotes it is a normal key. */
export function isMergeKey(key: unknown): key is Scalar {
  return isScalar(key) && key.type === "PLAIN" && key.value === "<<";
}

/** The nodes that aliases stand for. An alias without an anchor is absent. */
export type AliasTargets = ReadonlyMap<unknown, Node>;

/**
 * Finds the node of each alias: the last one above with this anchor. The library would search the
 * whole document for each alias.
 */
export function aliasTargets(document: Document): AliasTargets {
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

/** Tests if an alias has lost its anchor. */
export function hasLostAlias(document: Document): boolean {
  const targets = aliasTargets(document);
  let isLost = false;
  visit(document, {
    Alias: (_key, alias) => {
      isLost = !targets.has(alias);
      return isLost ? visit.BREAK : undefined;
    },
  });
  return isLost;
}

/** Resolves an alias to the node it stands for. */
export function resolved(node: unknown, targets: AliasTargets): Node | null {
  const meant = isAlias(node) ? targets.get(node) : node;
  return isNode(meant) ? meant : null;
}

/** Tests for a node of the YAML document. */
export function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

/** Tests if a node has any text; an empty value has none. */
export function isWritten(node: Node | null | undefined): node is Node {
  const [start, end] = node?.range ?? [0, 0];
  return end > start;
}

/** Converts a key to text; null if the key is no scalar. */
export function keyText(pair: Pair): string | null {
  if (!isScalar(pair.key)) return null;
  const { value } = pair.key;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}
