/**
 * The palette: finds pages, pipelines, tasks, endpoints and runs, and does what the keys do. It
 * opens by Ctrl or Cmd and K.
 *
 * API calls, when it opens:
 * - `GET /tasks` and `GET /endpoints`: the names.
 * - `GET /runs`, once a text may be the beginning of an id: the ids (`run-beginning.ts`).
 */
import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { DeployedEndpoint } from "../contract/endpoints.ts";
import type { RunSummary } from "../contract/run-lists.ts";
import type { DeployedTask } from "../contract/tasks.ts";
import { parseRunId } from "../domain/ids.ts";
import { PLACES } from "./keys.tsx";
import { navigate } from "./location.ts";
import { Icon, type IconName } from "./parts/icon.tsx";
import { useGet } from "./parts/load.ts";
import { NO_FILTERS, pipelinePath, runPath, runsPath, triggersPath } from "./routes.ts";
import { formatCount } from "./format.ts";
import { runIdBeginning, useRunsBeginning } from "./run-beginning.ts";
import { setTheme } from "./theme-choice.ts";
import { THEMES } from "./theme.ts";
import { isUtc, switchZone } from "./zone.ts";

/** True while the palette is open. */
const isOpen = signal(false);

/** Opens the palette. */
export function openPalette(): void {
  isOpen.value = true;
}

/** An entry: a place of the dashboard, or an action that a key also does. */
interface Entry {
  /** The grey word on the right, such as `pipeline`, which tells entries of the same name apart. */
  readonly kind: string;
  readonly icon: IconName;
  readonly text: string;
  /** Navigates to the place, or acts. The palette has closed before. */
  readonly run: () => void;
}

/** Entries that are shown at once. */
const SHOWN = 9;

/** The palette; null while it is closed. */
export function Palette(): JSX.Element | null {
  return isOpen.value ? <OpenPalette /> : null;
}

/**
 * Shows a field, and the entries that match the text. The field keeps the focus throughout: arrow
 * keys move the choice, Enter follows the chosen entry.
 *
 * The component exists only while the palette is open, so the names are read afresh at each opening
 * and a deploy is seen without a reload.
 */
function OpenPalette(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const text = useSignal("");
  const at = useSignal(0);
  const tasks = useGet<{ readonly tasks: readonly DeployedTask[] }>("/tasks");
  const endpoints = useGet<{ readonly endpoints: readonly DeployedEndpoint[] }>("/endpoints");
  // The dialog opens before the next key, so that the field receives the first letters.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  /** Closes the palette by its signal. The effect above then closes the dialog. */
  const close = (): void => void (isOpen.value = false);
  const names = entriesOf(
    text.value.trim(),
    tasks.data.value?.tasks ?? [],
    endpoints.data.value?.endpoints ?? [],
  );
  // A text that begins a name means the name.
  const { runs, searched } = useRunsBeginning(
    beginsOne(names, text.value) ? null : runIdBeginning(text.value),
  );
  const shown = ranked([...runs.map(runEntry), ...names], text.value).slice(0, SHOWN);
  const chosen = Math.min(at.value, shown.length - 1);
  /** Closes the palette first: the entry may open a dialog or move the focus. */
  const act = (entry: Entry | undefined): void => {
    if (entry === undefined) return;
    close();
    entry.run();
  };
  /** Handles the arrow keys and Enter. The choice wraps around at both ends. */
  const press = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      at.value = (chosen + step + shown.length) % Math.max(1, shown.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      act(shown[chosen]);
    }
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Go to"
      onCancel={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={shown.length === 0 ? undefined : `palette-${chosen}`}
        aria-label="Go to a page, pipeline, task, endpoint or run"
        placeholder="Go to a page, pipeline, task, endpoint, or type the beginning of a run's id"
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={press}
      />
      <ul id="palette-list" role="listbox" aria-label="Results">
        {shown.map((entry, index) => (
          <li
            key={entry.kind + entry.text}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => act(entry)}
            onPointerMove={() => (at.value = index)}
          >
            <Icon name={entry.icon} size={15} />
            <span class="ellipsis">{entry.text}</span>
            <span class="muted small">{entry.kind}</span>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p class="muted palette-none">Nothing is called so.</p>}
      {searched !== null && (
        <p class="muted palette-none">
          None of the newest {formatCount(searched)} runs has an id that begins so. An older run is
          found by its whole id.
        </p>
      )}
    </dialog>
  );
}

/**
 * Lists all entries of the palette, in the order in which an empty search shows them: pages, tasks,
 * ways to trigger, endpoints, actions.
 *
 * Two entries depend on the text: a run, if the text is the id of one, and otherwise a search for
 * runs whose error contains the text.
 */
function entriesOf(
  text: string,
  tasks: readonly DeployedTask[],
  endpoints: readonly DeployedEndpoint[],
): Entry[] {
  const go = (path: string) => () => navigate(path);
  const id = parseRunId(runIdBeginning(text) ?? "");
  return [
    ...(id === null ? [] : [entry("run", "runs", id, go(runPath(id)))]),
    ...Object.values(PLACES).map((place) => entry("page", place.icon, place.text, go(place.path))),
    ...tasks.map(({ task, upstream }) =>
      upstream.length === 0
        ? entry("pipeline", "pipelines", task, go(pipelinePath(task)))
        : entry("task", "branch", task, go(triggersPath("tasks", task))),
    ),
    ...tasks
      .filter(({ upstream }) => upstream.length === 0)
      .map(({ task }) =>
        entry("trigger", "triggers", `Trigger ${task}`, go(triggersPath("tasks", task))),
      ),
    ...endpoints.map(({ name }) =>
      entry("endpoint", "hook", name, go(triggersPath("endpoints", name))),
    ),
    entry("action", "clock", isUtc.value ? "Show local times" : "Show times in UTC", switchZone),
    ...THEMES.map((theme) =>
      entry("theme", theme === "dark" ? "moon" : "sun", `Theme: ${theme}`, () => setTheme(theme)),
    ),
    ...(text === "" || id !== null
      ? []
      : [
          entry(
            "runs",
            "search",
            `Runs with "${text}" in the error`,
            go(runsPath({ ...NO_FILTERS, error: text })),
          ),
        ]),
  ];
}

/** Makes the entry of a run that was found by the beginning of its id. */
function runEntry({ run_id: id, task, status }: RunSummary): Entry {
  return entry(`${task}, ${status}`, "runs", id, () => navigate(runPath(id)));
}

/** Tests if the text is the beginning of an entry's name. */
function beginsOne(entries: readonly Entry[], text: string): boolean {
  const wanted = text.trim().toLowerCase();
  return entries.some((one) => one.text.toLowerCase().startsWith(wanted));
}

/** Makes an entry. */
function entry(kind: string, icon: IconName, text: string, run: () => void): Entry {
  return { kind, icon, text, run };
}

/**
 * Selects the entries that have all letters of the text in order, without regard to case.
 *
 * - Entries that begin with the text come first, then entries that contain the text, then the rest.
 * - Within a rank the order of the entries stays.
 */
function ranked(entries: readonly Entry[], text: string): readonly Entry[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return entries;
  const scored = entries.flatMap((one) => {
    const name = one.text.toLowerCase();
    const place = name.indexOf(wanted);
    if (place >= 0) return [{ one, score: place === 0 ? 0 : 1 }];
    return isScattered(name, wanted) ? [{ one, score: 2 }] : [];
  });
  return scored.toSorted((a, b) => a.score - b.score).map(({ one }) => one);
}

/**
 * Tests if a name has all letters of the text in order, with anything between: `ngr` finds
 * `nightly-report`.
 */
function isScattered(name: string, wanted: string): boolean {
  let at = -1;
  return wanted.split("").every((letter) => (at = name.indexOf(letter, at + 1)) >= 0);
}
