/** The search field of the list of runs. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { navigate } from "../location.ts";
import { Icon } from "../parts/icon.tsx";
import { type RunFilters, runPath, runsPath } from "../routes.ts";
import { parseSearch, SEARCH_WORDS, searchText } from "../search.ts";

/**
 * The field holds all filters as a text. A run's id opens the run; a plain text is looked for in
 * the errors. A wrong word is explained below, and the list stays as it is.
 */
export function RunSearch({ filters }: { readonly filters: RunFilters }): JSX.Element {
  const shown = searchText(filters);
  const text = useSignal(shown);
  // Filters that change elsewhere, for example by a chip, change the text. At once, not after the
  // next frame: letters that a user has typed meanwhile would be lost.
  useLayoutEffect(() => {
    text.value = shown;
  }, [shown, text]);
  const meant = parseSearch(text.value);
  const search = (event: Event): void => {
    event.preventDefault();
    // The keys of the list are next.
    if (meant.problem === null) document.getElementById("search")?.blur();
    if (meant.runId !== null) navigate(runPath(meant.runId));
    else if (meant.problem === null)
      navigate(runsPath({ ...meant.filters, from: filters.from, to: filters.to }));
  };
  /** Adds a word and leaves the cursor behind it. */
  const add = (word: string): void => {
    text.value = `${text.value.trimEnd()}${text.value === "" ? "" : " "}${word}`;
    document.getElementById("search")?.focus();
  };
  return (
    <form class="search" role="search" onSubmit={search}>
      <Icon name="search" />
      <input
        type="search"
        id="search"
        placeholder="A run's id, a text of an error, or words such as task:encode status:failed payload.id=7"
        aria-label="Search runs"
        aria-describedby="search-hint"
        aria-invalid={meant.problem !== null}
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <kbd class="search-key" aria-hidden="true">
        /
      </kbd>
      <div id="search-hint" class="search-hint" aria-live="polite">
        {meant.problem !== null ? (
          <span class="fault">{meant.problem}</span>
        ) : (
          <>
            {SEARCH_WORDS.map((word) => (
              <button
                key={word}
                type="button"
                class="tag"
                tabIndex={-1}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => add(word)}
              >
                {word}
              </button>
            ))}
          </>
        )}
      </div>
    </form>
  );
}
