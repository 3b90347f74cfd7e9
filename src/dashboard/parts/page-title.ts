/** The title of the browser's tab. */
import { useEffect } from "preact/hooks";

/** Shows it for as long as the page is shown. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Peach`;
  }, [title]);
}
