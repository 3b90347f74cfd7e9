/** The time zone in which the page shows times: that of the browser, or UTC. */
import { computed, signal } from "@preact/signals";
import { readStored, store } from "./stored.ts";

/** The name under which the browser keeps the choice. */
const KEY = "peach-zone";

/** True while times are shown in UTC. */
export const isUtc = signal(readStored(KEY) === "UTC");

/** The zone for `Intl`; undefined is the browser's own. */
export const timeZone = computed(() => (isUtc.value ? "UTC" : undefined));

/** The name of the zone, such as `Europe/Zurich`. */
export const zoneName = computed(
  () => timeZone.value ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
);

/** Switches between the browser's zone and UTC, and keeps the choice. */
export function switchZone(): void {
  isUtc.value = !isUtc.value;
  store(KEY, isUtc.value ? "UTC" : "local");
}
