/**
 * Keyboard shortcuts of the whole page: `g` and a letter navigate, `/` searches, `?` shows the
 * list.
 */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { navigate } from "./location.ts";
import { Dialog } from "./parts/dialog.tsx";
import type { IconName } from "./parts/icon.tsx";

/** The pages by the letter after `g`. */
export const PLACES: Readonly<
  Record<string, { readonly path: string; readonly text: string; readonly icon: IconName }>
> = {
  n: { path: "/dashboard", text: "Now", icon: "now" },
  r: { path: "/dashboard/runs", text: "Runs", icon: "runs" },
  a: { path: "/dashboard/approvals", text: "Approvals", icon: "approvals" },
  t: { path: "/dashboard/triggers", text: "Triggers", icon: "triggers" },
  d: { path: "/dashboard/dead-letters", text: "Dead letters", icon: "dead-letters" },
  l: { path: "/dashboard/limits", text: "Limits", icon: "limits" },
  h: { path: "/dashboard/health", text: "Health", icon: "health" },
};

/** The keys of lists of runs, for the help. */
const LIST_KEYS: readonly (readonly [key: string, text: string])[] = [
  ["j", "Next run of a list"],
  ["k", "Previous run"],
  ["x", "Choose the run"],
  ["r", "Retry the chosen runs"],
  ["c", "Cancel the chosen runs"],
  ["v", "Compare two chosen runs"],
];

/** The longest time between `g` and the letter. */
const SECOND_WITHIN_MS = 1_200;
/** Long before the page was opened: a letter soon after that is no second key. */
const NEVER = Number.NEGATIVE_INFINITY;
const isHelpShown = signal(false);

/**
 * Listens for shortcuts while the page is open. Keys typed into a field or dialog are ignored, as
 * are browser shortcuts with a modifier. `onPalette` is called by Ctrl or Cmd and K.
 */
export function useKeys(onPalette: () => void): void {
  useEffect(() => {
    /** The time of `g` if it was the last key, in milliseconds since the page was opened. */
    let goesSince = NEVER;
    const press = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey)) {
        event.preventDefault();
        onPalette();
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
      const place = PLACES[event.key];
      if (place !== undefined && event.timeStamp - goesSince < SECOND_WITHIN_MS)
        navigate(place.path);
      else if (event.key === "?") isHelpShown.value = true;
      else if (event.key === "/") {
        event.preventDefault();
        search();
      }
      goesSince = event.key === "g" ? event.timeStamp : NEVER;
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [onPalette]);
}

/** Tests if a key belongs to a field or an open dialog. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input:not([type="checkbox"]), textarea, select, dialog') !== null
  );
}

/**
 * Moves the focus to the search field at once if the page has one, so that the next keys are not
 * lost. Otherwise opens the list of runs first.
 */
function search(): void {
  const field = document.getElementById("search");
  if (field !== null) return field.focus();
  navigate("/dashboard/runs");
  requestAnimationFrame(() => document.getElementById("search")?.focus());
}

/** A dialog with the shortcuts; null while it is closed. */
export function KeyHelp(): JSX.Element | null {
  if (!isHelpShown.value) return null;
  return (
    <Dialog title="Keys" onClose={() => (isHelpShown.value = false)}>
      <dl class="keys">
        {Object.entries(PLACES).map(([key, { text }]) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>Search runs</dd>
        </div>
        <div>
          <dt>
            <kbd>Ctrl</kbd> <kbd>K</kbd>
          </dt>
          <dd>Go to anything</dd>
        </div>
        {LIST_KEYS.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd>
          </dt>
          <dd>From task to task in a graph</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>These keys</dd>
        </div>
      </dl>
    </Dialog>
  );
}
