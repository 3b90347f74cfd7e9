/** A labelled field for a line of text. */
import type { InputHTMLAttributes, JSX } from "preact";
import { useId } from "preact/hooks";
import type { Signal } from "@preact/signals";

/** Shows a field that writes to a signal. Other attributes are those of the input. */
export function TextField({
  label,
  text,
  ...attributes
}: {
  readonly label: string;
  readonly text: Signal<string>;
} & InputHTMLAttributes): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        {...attributes}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
    </div>
  );
}
