/**
 * A list of links beside the open entry.
 *
 * A list of up to forty entries is drawn as a whole. A longer list has a search and draws the
 * visible rows only: a project may have thousands of tasks.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { formatCount, formatPlural } from "../format.ts";
import { triggersPath, type TriggerSection } from "../routes.ts";
import { Name } from "./name.tsx";
import { VirtualList } from "./virtual-list.tsx";

/** Properties of the list. Each entry has a note below its name. */
export interface ChoicesProps {
  readonly label: string;
  readonly section: TriggerSection;
  readonly entries: readonly Choice[];
  /** The name of the open entry. */
  readonly chosen: string | undefined;
  /** Further entries. */
  readonly children?: ComponentChildren;
}

/** An entry of the list. */
interface Choice {
  readonly name: string;
  /** The text below the name, such as a description or a URL. */
  readonly note: string;
}

/** Lists up to this number of entries have no search. */
const SHORT = 40;
/** The height of an entry in pixels. */
const ROW_HEIGHT = 54;
/** The maximum height of a long list in pixels. */
const MAX_HEIGHT = 620;

/** Lists the entries of a section of Triggers, in the order of the caller. */
export function Choices(props: ChoicesProps): JSX.Element {
  const { label, section, entries, chosen, children } = props;
  if (entries.length > SHORT) return <LongChoices {...props} />;
  return (
    <ul class="choices" aria-label={label}>
      {entries.map((entry) => (
        <li key={entry.name}>
          <Link section={section} entry={entry} isChosen={entry.name === chosen} />
        </li>
      ))}
      {children}
    </ul>
  );
}

/** A search above the entries that match it. */
function LongChoices({ label, section, entries, chosen, children }: ChoicesProps): JSX.Element {
  const text = useSignal("");
  const sought = text.value.trim().toLowerCase();
  const found = entries.filter(({ name }) => name.toLowerCase().includes(sought));
  return (
    <div class="choices-long">
      <input
        type="search"
        class="choices-search"
        aria-label={`Find in ${label.toLowerCase()}`}
        placeholder={`Find in ${formatCount(entries.length)}`}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <span class="muted small" aria-live="polite">
        {sought !== "" && formatPlural(found.length, "match", "matches")}
      </span>
      <VirtualList
        label={label}
        count={found.length}
        rowHeight={ROW_HEIGHT}
        maxHeight={MAX_HEIGHT}
        row={(index) => {
          const entry = found[index];
          return entry && <Link section={section} entry={entry} isChosen={entry.name === chosen} />;
        }}
      />
      <ul>{children}</ul>
    </div>
  );
}

/** The link that opens an entry. */
function Link({
  section,
  entry: { name, note },
  isChosen,
}: {
  readonly section: TriggerSection;
  readonly entry: Choice;
  readonly isChosen: boolean;
}): JSX.Element {
  return (
    <a
      href={triggersPath(section, name)}
      aria-current={isChosen ? "true" : undefined}
      class="choice"
    >
      <span class="choice-name">
        <Name text={name} />
      </span>
      <span class="muted small ellipsis">{note}</span>
    </a>
  );
}
