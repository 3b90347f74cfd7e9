/**
 * A modal dialog. The browser's own element keeps the focus inside, closes on Escape and returns
 * the focus.
 */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button, IconButton } from "./button.tsx";
import { Toasts } from "./toasts.tsx";

/** Properties of a dialog. `onClose` removes it: it is open while it is rendered. */
export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/**
 * A dialog with a title and a close button. A click on the backdrop, which belongs to the element
 * itself, closes it.
 */
export function Dialog({ title, onClose, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onCancel={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <IconButton icon="cross" label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
      {/* Those of the page are behind a modal dialog, and out of reach. */}
      <Toasts />
    </dialog>
  );
}

/** The buttons of a dialog. The first closes it and changes nothing; `keep` is its text. */
export function DialogFoot({
  keep,
  onClose,
  children,
}: Omit<DialogProps, "title"> & { readonly keep: string }): JSX.Element {
  return (
    <footer class="dialog-foot">
      <Button onClick={onClose}>{keep}</Button>
      {children}
    </footer>
  );
}
