/** Views of the list of runs by name: links with filters, those of everybody and one's own. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { navigate } from "../location.ts";
import { NO_FILTERS, type RunFilters, runsPath } from "../routes.ts";
import { searchText } from "../search.ts";
import { readStored, store } from "../stored.ts";

interface View {
  readonly name: string;
  readonly path: string;
}

/** The name under which the browser keeps the own views. */
const KEY = "peach-views";

/** Views that everybody has. */
const COMMON: readonly View[] = [
  { name: "Failed today", path: runsPath({ statuses: ["failed"], span: "24h" }) },
  { name: "Waiting", path: runsPath({ statuses: ["waiting"] }) },
  { name: "At work", path: runsPath({ statuses: ["queued", "running"] }) },
  { name: "By a schedule", path: runsPath({ source: "schedule", span: "24h" }) },
];

const own = signal<readonly View[]>(read());

/** A list to choose a view from. The last entries keep the present filters, or drop their view. */
export function SavedViews({ filters }: { readonly filters: RunFilters }): JSX.Element {
  const path = runsPath(filters);
  const views = [...COMMON, ...own.value];
  const current = views.find((view) => view.path === path);
  const isOwn = own.value.some((view) => view.path === path);
  const isFiltered = path !== runsPath(NO_FILTERS);
  const choose = (value: string): void => {
    if (value === "save") keep([...own.value, { name: searchText(filters).slice(0, 60), path }]);
    else if (value === "drop") keep(own.value.filter((view) => view.path !== path));
    else navigate(value);
  };
  return (
    <select
      class="views"
      aria-label="Views"
      value={current?.path ?? ""}
      onChange={({ currentTarget }) => {
        choose(currentTarget.value);
        currentTarget.value = current?.path ?? "";
      }}
    >
      <option value="">Views</option>
      {views.map((view) => (
        <option key={view.path} value={view.path}>
          {view.name}
        </option>
      ))}
      {isFiltered && current === undefined && <option value="save">Save this view</option>}
      {isOwn && <option value="drop">Forget this view</option>}
    </select>
  );
}

/** Keeps the own views in the browser. */
function keep(views: readonly View[]): void {
  own.value = views;
  store(KEY, JSON.stringify(views));
}

/** The own views. Anything else under the name is ignored. */
function read(): readonly View[] {
  try {
    const stored: unknown = JSON.parse(readStored(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isView) : [];
  } catch {
    return [];
  }
}

/** Tests a stored value. */
function isView(value: unknown): value is View {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "path" in value &&
    typeof value.path === "string" &&
    value.path.startsWith("/dashboard/runs")
  );
}
