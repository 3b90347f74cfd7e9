/** The time as signals, for what is said relative to it. Nothing ticks while nobody sees the page. */
import { signal } from "@preact/signals";

/** Milliseconds since 1970, each second. */
export const now = signal(Date.now());

/** The same, five times a second, for what is drawn while it grows. */
export const fastNow = signal(Date.now());

/** Lets them tick. Call it once. */
export function startClock(): void {
  window.setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1_000);
  window.setInterval(() => {
    if (!document.hidden) fastNow.value = Date.now();
  }, 200);
}
