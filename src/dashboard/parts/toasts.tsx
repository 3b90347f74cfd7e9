/** Short news about what somebody has just done, read out by screen readers, gone after a while. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { problemOf } from "../api.ts";
import { Icon } from "./icon.tsx";

interface Toast {
  readonly id: number;
  readonly tone: "good" | "bad";
  readonly text: string;
  readonly hint: string | null;
  readonly link: { readonly href: string; readonly text: string } | null;
}

const SHOWN_MS = { good: 5_000, bad: 12_000 } as const;
const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** Says that something was done, perhaps with a way on. */
export function tell(text: string, link: Toast["link"] = null): void {
  show({ tone: "good", text, hint: null, link });
}

/** Says why something was not done. */
export function tellProblem(error: unknown): void {
  const { detail, hint } = problemOf(error);
  show({ tone: "bad", text: detail, hint: hint ?? null, link: null });
}

function show(toast: Omit<Toast, "id">): void {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.value.slice(-3), { ...toast, id }];
  window.setTimeout(() => dismiss(id), SHOWN_MS[toast.tone]);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** The place where they appear. */
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
