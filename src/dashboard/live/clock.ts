/** The time as signals, for texts such as "3 m ago". The clock stops while the page is hidden. */
import { signal } from "@preact/signals";

/** The time in milliseconds since 1970, updated each second. */
export const now = signal(Date.now());

/** The time for growing bars, updated five times a second. */
export const fastNow = signal(Date.now());

/** Starts both clocks. Call it once. */
export function startClock(): void {
  window.setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1_000);
  window.setInterval(() => {
    if (!document.hidden) fastNow.value = Date.now();
  }, 200);
}
