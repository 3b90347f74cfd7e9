/** The frame around every page: where one can go, who is logged in, light or dark, keys. */
import { effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { loggedOut, problemOf } from "./api.ts";
import { route } from "./location.ts";
import { DeadLettersPage } from "./pages/dead-letters-page.tsx";
import { HealthPage } from "./pages/health-page.tsx";
import { LimitsPage } from "./pages/limits-page.tsx";
import { LoginPage, Logo } from "./pages/login-page.tsx";
import { PipelinesPage } from "./pages/pipelines-page.tsx";
import { RunPage } from "./pages/run-page.tsx";
import { RunsPage } from "./pages/runs-page.tsx";
import { TriggersPage } from "./pages/triggers-page.tsx";
import { ActionButton } from "./parts/button.tsx";
import { Icon, type IconName } from "./parts/icon.tsx";
import { Empty, Loading, Problem } from "./parts/states.tsx";
import { Toasts } from "./parts/toasts.tsx";
import type { Route } from "./routes.ts";
import { logOut, session } from "./session.ts";
import { KeyHelp, useKeys } from "./keys.tsx";
import { chosenTheme, chooseTheme, type Theme, THEMES } from "./theme.ts";

const PLACES: readonly {
  readonly page: Route["page"] & IconName;
  readonly href: string;
  readonly text: string;
}[] = [
  { page: "pipelines", href: "/dashboard", text: "Pipelines" },
  { page: "runs", href: "/dashboard/runs", text: "Runs" },
  { page: "triggers", href: "/dashboard/triggers", text: "Triggers" },
  { page: "dead-letters", href: "/dashboard/dead-letters", text: "Dead letters" },
  { page: "limits", href: "/dashboard/limits", text: "Limits" },
  { page: "health", href: "/dashboard/health", text: "Health" },
];

const theme = signal<Theme>(chosenTheme());
const THEME_ICONS: Readonly<Record<Theme, IconName>> = {
  system: "system",
  light: "sun",
  dark: "moon",
};

/** A session may end while the page is open: then it asks for a token, and goes on where it was. */
effect(() => {
  if (loggedOut.value > 0 && session.peek()) session.value = null;
});

/** The whole page. */
export function App(): JSX.Element {
  useKeys();
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
      <Toasts />
    </>
  );
}

/** A fault of one page leaves the frame standing: one can go elsewhere, or try again. */
function Guarded({ route }: { readonly route: Route }): JSX.Element {
  const [fault, reset] = useErrorBoundary((error) => console.error(error));
  return fault === undefined ? (
    <Page route={route} />
  ) : (
    <Problem problem={problemOf(fault)} onRetry={reset} />
  );
}

function Page({ route }: { readonly route: Route }): JSX.Element {
  switch (route.page) {
    case "pipelines":
      return <PipelinesPage />;
    case "runs":
      return <RunsPage />;
    case "run":
      return <RunPage key={route.runId} runId={route.runId} />;
    case "triggers":
      return <TriggersPage section={route.section} name={route.name} />;
    case "dead-letters":
      return <DeadLettersPage />;
    case "limits":
      return <LimitsPage />;
    case "health":
      return <HealthPage />;
    case "login":
      return <LoginPage />;
    case "not-found":
      return <NotFound path={route.path} />;
  }
}

function NotFound({ path }: { readonly path: string }): JSX.Element {
  useEffect(() => {
    document.title = "Not found · Peach";
  }, []);
  return (
    <>
      <h1>Not found</h1>
      <Empty icon="search" title="There is no such page">
        <code>{path}</code> is none of the dashboard's. <a href="/dashboard">To the pipelines</a>
      </Empty>
    </>
  );
}

function Navigation(): JSX.Element {
  const { page } = route.value;
  const current = page === "run" ? "runs" : page;
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
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="side-foot">
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
          onClick={() => {
            theme.value = name;
            chooseTheme(name);
          }}
        >
          <Icon name={THEME_ICONS[name]} size={14} />
        </button>
      ))}
    </div>
  );
}
