/**
 * Tabs by the ARIA practices: the Tab key stops once, and arrows move between tabs.
 *
 * Keys: left and right wrap around; Home and End go to the first and last tab.
 */
import type { ComponentChildren, JSX } from "preact";
import { useId, useRef } from "preact/hooks";

/** A tab; its name is the value that `onChoose` receives. */
export interface Tab<Name extends string> {
  readonly name: Name;
  readonly label: ComponentChildren;
}

/** Properties of tabs. The caller keeps the chosen tab, usually in the URL. */
export interface TabsProps<Name extends string> {
  readonly label: string;
  readonly tabs: readonly Tab<Name>[];
  readonly chosen: Name;
  readonly onChoose: (name: Name) => void;
  readonly children: ComponentChildren;
}

/** A list of tabs and the panel of the chosen tab. */
export function Tabs<Name extends string>({
  label,
  tabs,
  chosen,
  onChoose,
  children,
}: TabsProps<Name>): JSX.Element {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  /** Chooses the tab of an arrow key and moves the focus to it. */
  const move = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ name }) => name === chosen);
    const to = keyTarget(event.key, at, tabs.length);
    const target = to === null ? undefined : tabs[to];
    if (target === undefined || to === null) return;
    event.preventDefault();
    onChoose(target.name);
    list.current?.querySelectorAll<HTMLButtonElement>("[role=tab]")[to]?.focus();
  };
  return (
    <div class="tabs">
      <div class="tab-list" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.name}
            type="button"
            role="tab"
            id={`${id}-${tab.name}`}
            aria-selected={tab.name === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={tab.name === chosen ? 0 : -1}
            onClick={() => onChoose(tab.name)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div class="tab-panel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`}>
        {children}
      </div>
    </div>
  );
}

/** Finds the tab that a key moves to; arrows wrap around. Null for other keys. */
function keyTarget(key: string, at: number, count: number): number | null {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % count;
    case "ArrowLeft":
      return (at + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
