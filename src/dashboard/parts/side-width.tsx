/** The handle between a page and its side panel: dragging it, or its arrow keys, sets the width. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { readStored, store } from "../stored.ts";

/** The key in the browser's local storage. */
const KEY = "peach-panel-width";
/** The limits of the width in percent of the page, and a step of the arrow keys. */
const LEAST = 24;
const MOST = 70;
const STEP = 4;

/** The width of the side panel in percent of the page. */
export const sideWidth = signal(within(Number(readStored(KEY) ?? "40")));

/** Limits a width. Anything but a number becomes the normal width. */
function within(width: number): number {
  return Number.isFinite(width) ? Math.min(MOST, Math.max(LEAST, width)) : 40;
}

/** Sets the width and stores it for the next page. */
function setWidth(width: number): void {
  sideWidth.value = within(width);
  store(KEY, String(Math.round(sideWidth.value)));
}

/** Shows the handle. It stands within the page, left of the panel. */
export function SideHandle(): JSX.Element {
  return (
    <div
      class="side-handle"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the panel"
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      aria-valuenow={Math.round(sideWidth.value)}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        setWidth(sideWidth.value + (event.key === "ArrowLeft" ? STEP : -STEP));
      }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        const page = event.currentTarget.parentElement?.getBoundingClientRect();
        if (page !== undefined) setWidth(((page.right - event.clientX) / page.width) * 100);
      }}
    />
  );
}
