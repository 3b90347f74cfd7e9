/** The frame around every page: session, page, navigation and keyboard shortcuts. */
import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { loggedOut, problemOf } from "./api.ts";
import { useAttention } from "./live/attention.ts";
import { route } from "./location.ts";
import { Navigation } from "./navigation.tsx";
import { ApprovalsPage } from "./pages/approvals-page.tsx";
import { ComparePage } from "./pages/compare-page.tsx";
import { DeadLettersPage } from "./pages/dead-letters-page.tsx";
import { HealthPage } from "./pages/health-page.tsx";
import { LimitsPage } from "./pages/limits-page.tsx";
import { LoginPage } from "./pages/login-page.tsx";
import { NowPage } from "./pages/now-page.tsx";
import { PipelinePage } from "./pages/pipeline-page.tsx";
import { RecommendationsPage } from "./pages/recommendations-page.tsx";
import { RunPage } from "./pages/run-page.tsx";
import { RunsPage } from "./pages/runs-page.tsx";
import { TriggersPage } from "./pages/triggers-page.tsx";
import { Empty, Loading, Problem } from "./parts/states.tsx";
import { Toasts } from "./parts/toasts.tsx";
import { openPalette, Palette } from "./palette.tsx";
import type { Route } from "./routes.ts";
import { session } from "./session.ts";
import { KeyHelp, useKeys } from "./keys.tsx";

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
