/** A fact in a description list: its name and its value. */
import type { ComponentChildren, JSX } from "preact";

/** Shows a fact. It stands in a `dl`; `style` is the class of the value. */
export function Fact({
  name,
  style,
  children,
}: {
  readonly name: string;
  readonly style?: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={style}>{children}</dd>
    </div>
  );
}
