/** Choices that the browser keeps beyond the page. A browser may refuse storage. */

/** Reads a choice; null if none is stored. */
export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Stores a choice. Without storage the choice lasts until the page is loaded again. */
export function store(key: string, choice: string): void {
  try {
    localStorage.setItem(key, choice);
  } catch {
    // The page goes on with the choice.
  }
}
