/** A list of links beside the entry that is open. */
import type { ComponentChildren, JSX } from "preact";
import { triggersPath, type TriggerSection } from "../routes.ts";

/** Properties of the list. Each entry has a note below its name. */
export interface ChoicesProps {
  readonly label: string;
  readonly section: TriggerSection;
  readonly entries: readonly { readonly name: string; readonly note: string }[];
  /** The name of the open entry. */
  readonly chosen: string | undefined;
  /** Further entries. */
  readonly children?: ComponentChildren;
}

/** Lists the entries of a section of Triggers. */
export function Choices({ label, section, entries, chosen, children }: ChoicesProps): JSX.Element {
  return (
    <ul class="choices" aria-label={label}>
      {entries.map(({ name, note }) => (
        <li key={name}>
          <a
            href={triggersPath(section, name)}
            aria-current={name === chosen ? "true" : undefined}
            class="choice"
          >
            <span class="choice-name ellipsis">{name}</span>
            <span class="muted small ellipsis">{note}</span>
          </a>
        </li>
      ))}
      {children}
    </ul>
  );
}
