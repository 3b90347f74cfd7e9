/** A list to choose one value from. */
import type { JSX } from "preact";

/** Properties of the list. Null stands for no choice, whose text is `none`. */
export interface SelectProps<Value extends string> {
  readonly label: string;
  readonly none: string;
  readonly values: readonly Value[];
  readonly chosen: Value | null;
  readonly onChoose: (value: Value | null) => void;
  /** The text of a value; default: the value. */
  readonly text?: (value: Value) => string;
}

/** Shows the list. `label` names it for screen readers. */
export function Select<Value extends string>(props: SelectProps<Value>): JSX.Element {
  const { label, none, values, chosen, onChoose, text = (value: Value) => value } = props;
  return (
    <select
      aria-label={label}
      value={chosen ?? ""}
      onChange={({ currentTarget }) =>
        onChoose(values.find((value) => value === currentTarget.value) ?? null)
      }
    >
      <option value="">{none}</option>
      {values.map((value) => (
        <option key={value} value={value}>
          {text(value)}
        </option>
      ))}
    </select>
  );
}
