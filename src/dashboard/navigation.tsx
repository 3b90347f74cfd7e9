/** The navigation beside the page, or below it on a phone; also the theme and the session. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { attention, type Attention } from "./live/attention.ts";
import { route } from "./location.ts";
import { Logo } from "./pages/login-page.tsx";
import { openPalette } from "./palette.tsx";
import { ActionButton } from "./parts/button.tsx";
import { Icon, type IconName } from "./parts/icon.tsx";
import type { Route } from "./routes.ts";
import { logOut, session } from "./session.ts";
import { setTheme, theme } from "./theme-choice.ts";
import { type Theme, THEMES } from "./theme.ts";
import { isUtc, switchZone, zoneName } from "./zone.ts";

/** An entry of the navigation. A page's name is also the name of its icon. */
interface Place {
  readonly page: Route["page"] & IconName;
  readonly href: string;
  readonly text: string;
  /** The number beside the entry, and its words for screen readers. */
  readonly badge?: readonly [count: keyof Attention, words: string];
}

/**
 * The entries in order: what is wrong now, then runs and people, then the parts of the deployment.
 */
const PLACES: readonly Place[] = [
  { page: "now", href: "/dashboard", text: "Now", badge: ["causes", "causes of failures"] },
  { page: "runs", href: "/dashboard/runs", text: "Runs" },
  {
    page: "approvals",
    href: "/dashboard/approvals",
    text: "Approvals",
    badge: ["approvals", "that wait"],
  },
  { page: "triggers", href: "/dashboard/triggers", text: "Triggers" },
  { page: "recommendations", href: "/dashboard/recommendations", text: "Recommendations" },
  {
    page: "dead-letters",
    href: "/dashboard/dead-letters",
    text: "Dead letters",
    badge: ["deadLetters", "dead letters"],
  },
  { page: "limits", href: "/dashboard/limits", text: "Limits" },
  { page: "health", href: "/dashboard/health", text: "Health" },
];

/** The number of entries that the bar of a phone shows; "More" opens the others. */
const IN_BAR = 4;

/** The icon of each theme in the switch. */
const THEME_ICONS: Readonly<Record<Theme, IconName>> = {
  system: "system",
  light: "sun",
  dark: "moon",
};

/**
 * The side bar: links to the pages, the theme, and who is logged in with which scopes. A run's page
 * belongs to Runs. On a phone the links are a bar below the page, and More opens a second row.
 */
export function Navigation(): JSX.Element {
  const isOpen = useSignal(false);
  const { page } = route.value;
  const current =
    page === "run" || page === "compare" ? "runs" : page === "pipeline" ? "now" : page;
  const beyond = PLACES.slice(IN_BAR);
  return (
    <header class="side">
      <a class="brand" href="/dashboard">
        <Logo size={26} /> <span>Peach</span>
      </a>
      <nav
        aria-label="Pages"
        onKeyDown={({ key }) => {
          if (key === "Escape") isOpen.value = false;
        }}
      >
        <ul class={isOpen.value ? "is-open" : ""}>
          {PLACES.slice(0, IN_BAR).map((place) => (
            <PlaceLink key={place.page} place={place} isCurrent={place.page === current} />
          ))}
          <li class="place-toggle">
            <button
              type="button"
              aria-expanded={isOpen.value}
              class={beyond.some((place) => place.page === current) ? "is-current" : ""}
              onClick={() => (isOpen.value = !isOpen.value)}
            >
              <Icon name="more" size={17} />
              <span>More</span>
              {!isOpen.value && beyond.map(({ page, badge }) => <Badge key={page} badge={badge} />)}
            </button>
          </li>
          {beyond.map((place) => (
            <PlaceLink
              key={place.page}
              place={place}
              isCurrent={place.page === current}
              style="place-more"
              onGo={() => (isOpen.value = false)}
            />
          ))}
        </ul>
      </nav>
      <div class="side-foot">
        <button type="button" class="find" aria-label="Go to… Ctrl K" onClick={openPalette}>
          <Icon name="search" size={14} /> <span>Go to…</span> <kbd>Ctrl K</kbd>
        </button>
        <button
          type="button"
          class="zone"
          title={isUtc.value ? "Show local times" : "Show times in UTC"}
          onClick={switchZone}
        >
          <Icon name="clock" size={14} /> <span class="ellipsis">{zoneName.value}</span>
        </button>
        <ThemeSwitch />
        <div class="who">
          <span class="ellipsis" title={`Scope ${session.value?.scopes.join(", ") ?? ""}`}>
            {session.value?.name} <span class="muted">{session.value?.scopes.join(", ")}</span>
          </span>
          <ActionButton icon="logout" title="Log out" action={logOut}>
            <span class="sr">Log out</span>
          </ActionButton>
        </div>
      </div>
    </header>
  );
}

/** Shows an entry of the navigation. `onGo` is called when the user follows the link. */
function PlaceLink({
  place: { page, href, text, badge },
  isCurrent,
  style,
  onGo,
}: {
  readonly place: Place;
  readonly isCurrent: boolean;
  readonly style?: string;
  readonly onGo?: () => void;
}): JSX.Element {
  return (
    <li class={style}>
      <a href={href} aria-current={isCurrent ? "page" : undefined} onClick={onGo}>
        <Icon name={page} size={17} />
        <span>{text}</span>
        <Badge badge={badge} />
      </a>
    </li>
  );
}

/**
 * Shows the number beside an entry of the navigation; nothing for zero. The number is of the whole
 * deployment, whatever the page filters.
 */
function Badge({ badge }: { readonly badge: Place["badge"] | undefined }): JSX.Element | null {
  const count = badge === undefined ? 0 : attention.value[badge[0]];
  if (badge === undefined || count === 0) return null;
  return (
    <span class={`badge badge-${badge[0]}`}>
      {count}
      <span class="sr"> {badge[1]}</span>
    </span>
  );
}

/** Three buttons for the themes. The current one is pressed, also for screen readers. */
function ThemeSwitch(): JSX.Element {
  return (
    <div class="theme" role="group" aria-label="Theme">
      {THEMES.map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={theme.value === name}
          aria-label={`${name} theme`}
          title={name}
          onClick={() => setTheme(name)}
        >
          <Icon name={THEME_ICONS[name]} size={14} />
        </button>
      ))}
    </div>
  );
}
