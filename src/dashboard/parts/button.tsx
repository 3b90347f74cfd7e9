/** Buttons that do something which takes a while. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icon.tsx";
import { tell, tellProblem } from "./toasts.tsx";

export interface ActionButtonProps {
  readonly icon?: IconName;
  readonly tone?: "plain" | "main" | "danger";
  readonly disabled?: boolean;
  readonly title?: string;
  readonly children: ComponentChildren;
  /** What it does; a rejection is told. */
  readonly action: () => Promise<unknown>;
}

/** Cannot be pressed again while it works. */
export function ActionButton(props: ActionButtonProps): JSX.Element {
  const { icon, tone = "plain", disabled = false, title, children, action } = props;
  const isBusy = useSignal(false);
  const press = async (): Promise<void> => {
    isBusy.value = true;
    try {
      await action();
    } catch (error) {
      tellProblem(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <button
      type="button"
      class={`button button-${tone}`}
      disabled={disabled || isBusy.value}
      aria-busy={isBusy.value}
      title={title}
      onClick={() => void press()}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** Puts a text on the clipboard. */
export function CopyButton({
  text,
  label,
}: {
  readonly text: string;
  readonly label: string;
}): JSX.Element {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      onClick={() => void copyText(text)}
    >
      <Icon name="copy" size={13} />
    </button>
  );
}

/** Copies, and says whether it could. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell("Copied.");
  } catch {
    tellProblem(new Error("This browser does not let the page copy."));
  }
}
