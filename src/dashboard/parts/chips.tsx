/** Buttons of which some are pressed, such as the values of a filter. */
import type { ComponentChildren, JSX } from "preact";

/** Properties of chips. `label` names the group for screen readers. */
export interface ChipsProps<Name extends string> {
  readonly label: string;
  readonly names: readonly Name[];
  readonly isPressed: (name: Name) => boolean;
  readonly onPress: (name: Name) => void;
  /** The content of a chip; default: its name. */
  readonly content?: (name: Name) => ComponentChildren;
}

/** Shows a chip for each name. */
export function Chips<Name extends string>(props: ChipsProps<Name>): JSX.Element {
  const { label, names, isPressed, onPress, content = (name: Name) => name } = props;
  return (
    <div class="chips" role="group" aria-label={label}>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          class="chip"
          aria-pressed={isPressed(name)}
          onClick={() => onPress(name)}
        >
          {content(name)}
        </button>
      ))}
    </div>
  );
}
