/**
 * The icons, as lines on a grid of 16. They are part of the script, so they need no requests and
 * take the colour of their text.
 */
import type { JSX } from "preact";

const PATHS = {
  now: "M8 2.5v3M8 13.5a5.5 5.5 0 1 1 3.900-9.400M8 8h.01M13.5 8a5.5 5.5 0 0 1-1.600 3.900M8 8l3.200-2.300",
  pipelines:
    "M2.5 4h3v3h-3zM10.5 2h3v3h-3zM10.5 11h3v3h-3zM5.5 5.5h2.3c1 0 1.2-2 2.7-2M5.5 5.5h2c1.5 0 .8 7 3 7",
  approvals: "M2.5 3h11v8h-6.500L4 13.500V11H2.5zM5.5 7l2 1.800L11 5.300",
  compare: "M2.5 3h4.500v10h-4.500zM9 3h4.500v10H9z",
  runs: "M2.5 4h1M6 4h7.5M2.5 8h1M6 8h7.5M2.5 12h1M6 12h7.5",
  triggers: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
  recommendations:
    "M8 2l1.800 3.900 4.200.5-3.100 2.900.8 4.200L8 11.400l-3.700 2.100.8-4.200L2 6.400l4.200-.5z",
  "dead-letters": "M2 4.5h12v8H2zM2 4.5l6 4.5 6-4.5M5.5 1.5l5 0",
  limits: "M2.5 12.5a6 6 0 1 1 11 0M8 10.5l2.7-4",
  health: "M1.5 8.5h3l1.7-5 3 9 1.8-4h3.5",
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.8V8l2.200 1.600",
  play: "M5 3.200v9.600L12.5 8z",
  retry: "M13 8a5 5 0 1 1-1.600-3.7M13 2v3h-3",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  skip: "M4 4l5 4-5 4zM11.5 4v8",
  ban: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM4.200 4.200l7.600 7.600",
  more: "M3.5 8v.01M8 8v.01M12.5 8v.01",
  dot: "M8 7.990v.02",
  copy: "M5.5 5.5h7.5v8H5.5zM3 10.5V2.5h7.5",
  download: "M8 2.5v7.5M4.8 7 8 10.200 11.200 7M3 13.5h10",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.300 10.300 13.5 13.5",
  sun: "M8 5.200a2.8 2.8 0 1 0 0 5.600 2.8 2.8 0 0 0 0-5.600zM8 1.5v1.300M8 13.200v1.300M1.5 8h1.300M13.200 8h1.300M3.400 3.400l.9.9M11.7 11.7l.9.9M12.600 3.400l-.9.9M4.300 11.7l-.9.9",
  moon: "M13 9.600A5.600 5.600 0 0 1 6.400 3a5.5 5.5 0 1 0 6.600 6.600z",
  system: "M2 3h12v8H2zM6 13.5h4",
  logout: "M6.5 2.5h-3.5v11h3.5M7 8h6.5M11 5.5 13.5 8 11 10.5",
  chevron: "M6 4l4 4-4 4",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  fit: "M2.5 6v-3.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  upload: "M8 10V2.8M4.8 5.7 8 2.5l3.200 3.200M3 13.5h10",
  event:
    "M8 8v.01M5.200 10.8a4 4 0 0 1 0-5.600M10.8 5.200a4 4 0 0 1 0 5.600M3.200 12.8a6.8 6.8 0 0 1 0-9.600M12.8 3.200a6.8 6.8 0 0 1 0 9.600",
  hook: "M5.5 10.5a3 3 0 1 0 2.900 3M8 7.5 5.200 12M8 7.5a2.8 2.8 0 1 1 2.7-3.5M8 4.7l3 5.300a2.8 2.8 0 1 1-1.600 4.5",
  branch: "M4 3v10M4 9c0-3 8-1 8-5M12 4V3",
  edit: "M3 13l.7-3L11 2.7l2.300 2.300L6 12.300zM9.5 4.200l2.300 2.300",
  keyboard: "M1.5 4h13v8h-13zM4 6.5v.01M6.7 6.5v.01M9.300 6.5v.01M12 6.5v.01M5 9.5h6",
  filter: "M2 3.5h12L9.5 8.7V13l-3-1.5V8.7z",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9",
  inbox: "M2 9.5 4 3h8l2 6.5v4H2zM2 9.5h3.5l1 2h3l1-2H14",
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

/** An icon beside a text of the same meaning. Screen readers skip it. `size` is in pixels. */
export function Icon({
  name,
  size = 16,
}: {
  readonly name: IconName;
  readonly size?: number;
}): JSX.Element {
  return (
    <svg
      class={`icon icon-${name}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
