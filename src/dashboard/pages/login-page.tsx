/**
 * The login form: asks for an API token, or uses the code of a login link.
 *
 * Calls:
 * - `POST /dashboard/login` with a token or a code, which sets the session's cookie.
 *
 * The code is in the fragment of the URL (`#`), which browsers do not send to servers.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { problemOf } from "../api.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { navigate } from "../location.ts";
import { Icon } from "../parts/icon.tsx";
import { usePageTitle } from "../parts/page-title.ts";
import { Problem } from "../parts/states.tsx";
import { TextField } from "../parts/text-field.tsx";
import { logIn } from "../session.ts";

/**
 * Replaces the requested page until the user has logged in; the URL stays, so that the page
 * follows.
 */
export function LoginPage(): JSX.Element {
  usePageTitle("Log in");
  const token = useSignal("");
  const isBusy = useSignal(false);
  const problem = useSignal<ShownProblem | null>(null);
  /** Logs in and shows why it was refused. */
  const enter = async (credentials: Parameters<typeof logIn>[0]): Promise<void> => {
    isBusy.value = true;
    problem.value = null;
    try {
      await logIn(credentials);
      if (location.pathname === "/dashboard/login") navigate("/dashboard", "replace");
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      isBusy.value = false;
    }
  };
  useEffect(() => {
    const code = /^#([\w-]{20})$/.exec(location.hash)?.[1];
    if (code === undefined) return;
    // The code is used up by the first login. It is removed, so that it is in no history and on no
    // screenshot.
    history.replaceState(null, "", location.pathname);
    void enter({ code });
  }, []);
  return (
    <main class="login" id="main" tabIndex={-1}>
      <form
        class="card login-card"
        onSubmit={(event) => {
          event.preventDefault();
          void enter({ token: token.value });
        }}
      >
        <Logo />
        <h1>Peach</h1>
        <p class="muted">Log in with an API token: PEACH_API_TOKEN, or one of PEACH_API_TOKENS.</p>
        <TextField
          label="API token"
          text={token}
          type="password"
          autocomplete="current-password"
          autoFocus
          required
        />
        {problem.value !== null && <Problem problem={problem.value} />}
        <button
          type="submit"
          class="button button-main"
          disabled={isBusy.value}
          aria-busy={isBusy.value}
        >
          {isBusy.value ? "Logging in…" : "Log in"}
        </button>
        <p class="muted small">
          <Icon name="keyboard" size={12} /> <code>npm run dev</code> prints a link that does it for
          you.
        </p>
      </form>
    </main>
  );
}

/** The logo; `size` is in pixels. */
export function Logo({ size = 40 }: { readonly size?: number }): JSX.Element {
  return (
    <svg class="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path class="logo-fruit" d="M16 8c4-5 13-2 13 7 0 8-7 15-13 15S3 23 3 15c0-9 9-12 13-7z" />
      <path class="logo-line" d="M16 8c-2 5-2 13 2 21" />
      <path class="logo-leaf" d="M16 8c0-4 3-7 9-7-1 5-4 7-9 7z" />
    </svg>
  );
}
