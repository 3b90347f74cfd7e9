/** The frame around every page: navigation, session, theme and keyboard shortcuts. */
import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { loggedOut, problemOf } from "./api.ts";
import { attention, useAttention, type Attention } from "./live/attention.ts";
import { route } from "./location.ts";
import { ApprovalsPage } from "./pages/approvals-page.tsx";
import { ComparePage } from "./pages/compare-page.tsx";
import { DeadLettersPage } from "./pages/dead-letters-page.tsx";
import { HealthPage } from "./pages/health-page.tsx";
import { LimitsPage } from "./pages/limits-page.tsx";
import { LoginPage, Logo } from "./pages/login-page.tsx";
import { NowPage } from "./pages/now-page.tsx";
import { PipelinePage } from "./pages/pipeline-page.tsx";
import { RecommendationsPage } from "./pages/recommendations-page.tsx";
import { RunPage } from "./pages/run-page.tsx";
import { RunsPage } from "./pages/runs-page.tsx";
import { TriggersPage } from "./pages/triggers-page.tsx";
import { ActionButton } from "./parts/button.tsx";
import { Icon, type IconName } from "./parts/icon.tsx";
import { Empty, Loading, Problem } from "./parts/states.tsx";
import { Toasts } from "./parts/toasts.tsx";
import { openPalette, Palette } from "./palette.tsx";
import type { Route } from "./routes.ts";
import { logOut, session } from "./session.ts";
import { KeyHelp, useKeys } from "./keys.tsx";
import { isUtc, switchZone, zoneName } from "./zone.ts";
import { setTheme, theme } from "./theme-choice.ts";
import { type Theme, THEMES } from "./theme.ts";

/**
 * The entries of the navigation, in order: what is wrong now, then runs and people, then the parts
 * of the deployment. A page's name is also the name of its icon.
 */
const PLACES: readonly {
  readonly page: Route["page"] & IconName;
  readonly href: string;
  readonly text: string;
  /** The number beside the entry, and its words for screen readers. */
  readonly badge?: readonly [count: keyof Attention, words: string];
}[] = [
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

/** The icon of each theme in the switch. */
const THEME_ICONS: Readonly<Record<Theme, IconName>> = {
  system: "system",
  light: "sun",
  dark: "moon",
};

/**
 * A session may end while a page is open. The login form then replaces the page, and the page
 * returns after a new login.
 */
effect(() => {
  if (loggedOut.value > 0 && session.peek()) session.value = null;
});

/**
 * The whole page: a placeholder until the session is known, the login form without one, and the
 * frame with the current page otherwise.
 */
export function App(): JSX.Element {
  useKeys(openPalette);
  useAttention(Boolean(session.value));
  if (session.value === undefined)
    return (
      <main class="login" id="main" tabIndex={-1}>
        <Loading lines={3} label="the dashboard" />
      </main>
    );
  if (session.value === null || route.value.page === "login")
    return (
      <>
        <LoginPage />
        <Toasts />
      </>
    );
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <div class="frame">
        <Navigation />
        <main id="main" tabIndex={-1}>
          <Guarded key={location.pathname} route={route.value} />
        </main>
      </div>
      <KeyHelp />
      <Palette />
      <Toasts />
    </>
  );
}

/**
 * Catches an exception of a page, so that the frame stays usable: the user can try again or go
 * elsewhere.
 */
function Guarded({ route }: { readonly route: Route }): JSX.Element {
  const [fault, reset] = useErrorBoundary((error) => console.error(error));
  return fault === undefined ? (
    <Page route={route} />
  ) : (
    <Problem problem={problemOf(fault)} onRetry={reset} />
  );
}

/**
 * Selects the page of a route. The key of `RunPage` gives each run a component of its own, since
 * its live stream must not continue with the next run.
 */
function Page({ route }: { readonly route: Route }): JSX.Element {
  switch (route.page) {
    case "now":
      return <NowPage />;
    case "runs":
      return <RunsPage />;
    case "run":
      return <RunPage key={route.runId} runId={route.runId} />;
    case "compare":
      return <ComparePage />;
    case "approvals":
      return <ApprovalsPage />;
    case "pipeline":
      return <PipelinePage key={route.name} name={route.name} />;
    case "triggers":
      return <TriggersPage section={route.section} name={route.name} />;
    case "dead-letters":
      return <DeadLettersPage />;
    case "limits":
      return <LimitsPage />;
    case "recommendations":
      return <RecommendationsPage name={route.name} />;
    case "health":
      return <HealthPage />;
    case "login":
      return <LoginPage />;
    case "not-found":
      return <NotFound path={route.path} />;
  }
}

/**
 * Shows the page of an unknown path, often an old link, with a way to the first page. The path is
 * shown, so that a typing error can be seen.
 */
function NotFound({ path }: { readonly path: string }): JSX.Element {
  useEffect(() => {
    document.title = "Not found · Peach";
  }, []);
  return (
    <>
      <h1>Not found</h1>
      <Empty icon="search" title="There is no such page">
        <code>{path}</code> is none of the dashboard's. <a href="/dashboard">To the first page</a>
      </Empty>
    </>
  );
}

/**
 * The side bar: links to the pages, the theme, and who is logged in with which scopes. A run's page
 * belongs to Runs.
 */
function Navigation(): JSX.Element {
  const { page } = route.value;
  const current =
    page === "run" || page === "compare" ? "runs" : page === "pipeline" ? "now" : page;
  return (
    <header class="side">
      <a class="brand" href="/dashboard">
        <Logo size={26} /> <span>Peach</span>
      </a>
      <nav aria-label="Pages">
        <ul>
          {PLACES.map((place) => (
            <li key={place.page}>
              <a href={place.href} aria-current={place.page === current ? "page" : undefined}>
                <Icon name={place.page} size={17} />
                <span>{place.text}</span>
                <Badge badge={place.badge} />
              </a>
            </li>
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

/**
 * Shows the number beside an entry of the navigation; nothing for zero. The number is of the whole
 * deployment, whatever the page filters.
 */
function Badge({
  badge,
}: {
  readonly badge: (typeof PLACES)[number]["badge"] | undefined;
}): JSX.Element | null {
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
