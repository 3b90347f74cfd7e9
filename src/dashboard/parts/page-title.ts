/** The title of the browser tab. */
import { useEffect } from "preact/hooks";

/** Sets the title while the page is shown. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Peach`;
  }, [title]);
}
