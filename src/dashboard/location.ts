/** The address bar as signals, and navigation without loading the page again. */
import { computed, signal } from "@preact/signals";
import { parseRoute } from "./routes.ts";

/**
 * The current URL. Pages keep filters and open panels in it, so that a link shows the same view.
 */
const url = signal(new URL(location.href));

/** The route of the current page. */
export const route = computed(() => parseRoute(url.value.pathname));

/** The query parameters of the current URL. */
export const query = computed(() => url.value.searchParams);

/** Navigates to a path below /dashboard. `replace` adds no entry to the history. */
export function navigate(to: string, how: "push" | "replace" = "push"): void {
  const target = new URL(to, location.href);
  if (target.href === location.href) return;
  const isOtherPage = target.pathname !== location.pathname;
  if (how === "push") history.pushState(null, "", target);
  else history.replaceState(null, "", target);
  url.value = target;
  // A browser does both when it loads a page: it scrolls to the top and moves the focus.
  if (isOtherPage) {
    window.scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
}

/**
 * Changes single query parameters; null removes one. Replaces the entry in the history by default,
 * so that the back button leaves the page.
 */
export function setQuery(
  values: Readonly<Record<string, string | null>>,
  how: "push" | "replace" = "replace",
): void {
  const target = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === null) target.searchParams.delete(name);
    else target.searchParams.set(name, value);
  }
  navigate(target.href, how);
}

/**
 * Handles the back and forward buttons and clicks on links. Call it once. Clicks with a modifier
 * key, downloads and foreign links are left to the browser.
 */
export function followLinks(): void {
  window.addEventListener("popstate", () => (url.value = new URL(location.href)));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (
      link === null ||
      event.defaultPrevented ||
      event.button !== 0 ||
      link.target !== "" ||
      link.download !== ""
    )
      return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.origin !== location.origin || !/^\/dashboard(\/(?!assets\/)|\?|$)/.test(link.pathname))
      return;
    event.preventDefault();
    navigate(link.href);
  });
}
