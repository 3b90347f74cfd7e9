/** The address bar: where we are as signals, and going elsewhere without loading the page again. */
import { computed, signal } from "@preact/signals";
import { parseRoute } from "./routes.ts";

const url = signal(new URL(location.href));

/** The page that is shown. */
export const route = computed(() => parseRoute(url.value.pathname));

/** The query of the address. */
export const query = computed(() => url.value.searchParams);

/** Goes to a path below /dashboard. `replace` makes no entry in the history. */
export function navigate(to: string, how: "push" | "replace" = "push"): void {
  const target = new URL(to, location.href);
  if (target.href === location.href) return;
  const isOtherPage = target.pathname !== location.pathname;
  if (how === "push") history.pushState(null, "", target);
  else history.replaceState(null, "", target);
  url.value = target;
  if (isOtherPage) {
    window.scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
}

/** Changes single values of the query; null removes one. */
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

/** Follows the browser's buttons, and the links of the page. Call it once. */
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
