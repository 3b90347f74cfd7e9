/** Buttons for actions that take time. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icon.tsx";
import { tell, tellProblem } from "./toasts.tsx";

/** Properties of an action button. */
export interface ActionButtonProps {
  readonly icon?: IconName;
  /** `main` is the action that a page is for; `danger` cannot be undone. Default: plain. */
  readonly tone?: "plain" | "main" | "danger";
  readonly disabled?: boolean;
  /** A tooltip, for example the reason why the button is disabled. */
  readonly title?: string;
  readonly children: ComponentChildren;
  /** The action. A rejection is shown as a message. */
  readonly action: () => Promise<unknown>;
}

/** A button that is disabled while its action runs, so that a double click acts once. */
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

/** A button with an immediate effect, for example an opened dialog. */
export function Button({
  icon,
  style = "",
  children,
  onClick,
}: {
  readonly icon?: IconName;
  /** Further classes. */
  readonly style?: string;
  readonly children: ComponentChildren;
  readonly onClick: () => void;
}): JSX.Element {
  return (
    <button type="button" class={`button ${style}`.trim()} onClick={onClick}>
      {icon !== undefined && <Icon name={icon} />} {children}
    </button>
  );
}

/** A button that is an icon only. `label` names it for screen readers. */
export function IconButton({
  icon,
  label,
  size,
  onClick,
}: {
  readonly icon: IconName;
  readonly label: string;
  readonly size?: number;
  readonly onClick: () => void;
}): JSX.Element {
  return (
    <button type="button" class="icon-button" aria-label={label} onClick={onClick}>
      <Icon name={icon} {...(size === undefined ? {} : { size })} />
    </button>
  );
}

/** A button that copies a text. `label` names it for screen readers. */
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

/** Copies a text and reports the result. A browser refuses without a secure connection. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell("Copied.");
  } catch {
    tellProblem(new Error("This browser does not let the page copy."));
  }
}
