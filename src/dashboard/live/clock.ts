/**
 * The server's time as signals, for texts such as "3 m ago". The clock stops while the page is
 * hidden.
 *
 * Pages show times of the server, and the browser's clock may be wrong by hours. Each
 * answer bounds the difference of the two clocks (`heedServer`).
 */
import { batch, signal } from "@preact/signals";

/** Milliseconds by which the server's clock is ahead of the browser's. */
let aheadMs = 0;

/** The header `Date` names a second that has begun. */
const PRECISION_MS = 1_000;

/** The server's time at this moment, in milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + aheadMs;
}

/** The server's time in milliseconds since 1970, updated each second. */
export const now = signal(serverNow());

/** The server's time for growing bars, updated five times a second. */
export const fastNow = signal(serverNow());

/** Starts both clocks. Call once. */
export function startClock(): void {
  window.setInterval(() => {
    if (!document.hidden) now.value = serverNow();
  }, 1_000);
  window.setInterval(() => {
    if (!document.hidden) fastNow.value = serverNow();
  }, 200);
}

/**
 * Takes the header `Date` of an answer. The server read the time between the request and the
 * answer. A difference within these bounds stays, so a right clock of the browser is never moved.
 *
 * @param date - The value of the header; null without one.
 * @param sentAt - The browser's time of the request.
 */
export function heedServer(date: string | null, sentAt: number): void {
  const read = Date.parse(date ?? "");
  if (Number.isNaN(read)) return;
  const [least, most] = [read - Date.now(), read + PRECISION_MS - sentAt];
  const kept = Math.min(most, Math.max(least, aheadMs));
  if (kept === aheadMs) return;
  aheadMs = kept;
  batch(() => (now.value = fastNow.value = serverNow()));
}
