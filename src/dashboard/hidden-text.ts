/**
 * Makes hidden characters visible in every text that the dashboard draws (`formatHidden`). A mark
 * of the reading direction in an error, a log or a name would otherwise turn the letters around the
 * mark. Filters, links, fields and copies keep the original text.
 */
import { options, type VNode } from "preact";
import { formatHidden } from "./format.ts";

/** Attributes with text for people. */
const READ = ["title", "aria-label", "placeholder"];

/** Starts the replacement, before the first rendering. Call once. */
export function showHidden(): void {
  const before = options.vnode?.bind(options);
  options.vnode = (node) => {
    before?.(node);
    show(node);
  };
}

/** Replaces the text of a text node, and the attributes of an element. */
function show(node: VNode): void {
  // In a text node, Preact stores the text in place of properties. The types do not say so.
  const props: unknown = node.props;
  if (typeof props === "string") Object.assign(node, { props: formatHidden(props) });
  if (typeof node.type !== "string") return;
  for (const name of READ) {
    const value: unknown = Reflect.get(node.props, name);
    if (typeof value === "string") Reflect.set(node.props, name, formatHidden(value));
  }
}
