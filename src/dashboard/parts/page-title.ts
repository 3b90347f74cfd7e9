/** The title of the browser tab, with the number of things that want attention. */
import { useEffect } from "preact/hooks";
import { urgentCount } from "../live/attention.ts";

/** Sets the title while the page is shown. */
export function usePageTitle(title: string): void {
  const count = urgentCount.value;
  useEffect(() => {
    document.title = `${count === 0 ? "" : `(${count}) `}${title} · Peach`;
  }, [title, count]);
}
