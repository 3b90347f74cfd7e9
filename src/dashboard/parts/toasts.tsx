/**
 * Short messages about the user's last action. Screen readers announce them, and they disappear
 * after some seconds.
 *
 * A dialog shows them too, since messages of the page are behind it.
 */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { problemOf } from "../api.ts";
import { Icon } from "./icon.tsx";

/** A message. */
interface Toast {
  readonly id: number;
  readonly tone: "good" | "bad";
  readonly text: string;
  readonly hint: string | null;
  readonly link: { readonly href: string; readonly text: string } | null;
}

/** Durations of display. A refusal takes longer to read. */
const SHOWN_MS = { good: 5_000, bad: 12_000 } as const;
/** The messages on display, at most four. */
const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** Reports success, with a link to the result if there is one. */
export function tell(text: string, link: Toast["link"] = null): void {
  show({ tone: "good", text, hint: null, link });
}

/** Reports a failure with its reason and hint. */
export function tellProblem(error: unknown): void {
  const { detail, hint } = problemOf(error);
  show({ tone: "bad", text: detail, hint: hint ?? null, link: null });
}

/** Shows a message and removes it later. The oldest of more than four leaves at once. */
function show(toast: Omit<Toast, "id">): void {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.value.slice(-3), { ...toast, id }];
  window.setTimeout(() => dismiss(id), SHOWN_MS[toast.tone]);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** The place of the messages. A live region has to be in the page before its content changes. */
export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, tone, text, hint, link }) => (
        <div key={id} class={`toast toast-${tone}`}>
          <Icon name={tone === "good" ? "check" : "cross"} />
          <div>
            {text} {link !== null && <a href={link.href}>{link.text}</a>}
            {hint !== null && <div class="muted">{hint}</div>}
          </div>
          <button
            type="button"
            class="icon-button"
            aria-label="Dismiss"
            onClick={() => dismiss(id)}
          >
            <Icon name="cross" size={12} />
          </button>
        </div>
      ))}
    </div>
  );
}
