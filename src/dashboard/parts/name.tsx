/** A name that is cut in the middle: names of one graph often differ at their ends only. */
import type { JSX } from "preact";

/** Names up to this length are not divided. */
const SHORT = 14;
/** The length of the end, which is always shown. */
const KEPT = 8;

/** Shows a name. The tooltip shows the whole name. */
export function Name({ text }: { readonly text: string }): JSX.Element {
  if (text.length <= SHORT)
    return (
      <span class="ellipsis" title={text}>
        {text}
      </span>
    );
  return (
    <span class="name" title={text}>
      <span class="name-start">{text.slice(0, -KEPT)}</span>
      <span class="name-end">{text.slice(-KEPT)}</span>
    </span>
  );
}
