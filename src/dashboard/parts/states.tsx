/**
 * Replacements for content. Every page shows one of three while it has none:
 * - `Loading` before the first answer;
 * - `Empty` for an empty list;
 * - `Problem` for a refusal.
 */
import type { ComponentChildren, JSX } from "preact";
import type { ShownProblem } from "../shown-problem.ts";
import type { Loaded } from "./load.ts";
import { Button } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

/**
 * Grey lines in place of content, so that the page does not jump when it arrives. `label` names the
 * content for screen readers.
 */
export function Loading({
  lines = 5,
  label,
}: {
  readonly lines?: number;
  readonly label: string;
}): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label={`Loading ${label}`}>
      {Array.from({ length: lines }, (_, index) => (
        <div class="skeleton-line" key={index} />
      ))}
    </div>
  );
}

/** An empty list, with advice on how to fill it. */
export function Empty({
  icon,
  title,
  children,
}: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="empty">
      <Icon name={icon} size={28} />
      <p class="empty-title">{title}</p>
      {children !== undefined && <div class="muted">{children}</div>}
    </div>
  );
}

/** The name in an address is not, or no longer, in peach.conf. */
export function NoSuch({
  kind,
  name,
}: {
  readonly kind: "task" | "endpoint";
  readonly name: string;
}): JSX.Element {
  return (
    <Empty icon="search" title={`There is no ${kind} ${name}`}>
      It is not in the peach.conf that is deployed.
    </Empty>
  );
}

/**
 * A problem document: what went wrong, what to do, each invalid value, and the request id for the
 * logs. `onRetry` adds a button.
 */
export function Problem({
  problem,
  onRetry,
}: {
  readonly problem: ShownProblem;
  readonly onRetry?: () => void;
}): JSX.Element {
  return (
    <div class="problem" role="alert">
      <Icon name="cross" />
      <div>
        <p class="problem-title">{problem.title}</p>
        <p>{problem.detail}</p>
        {problem.hint !== undefined && <p class="muted">{problem.hint}</p>}
        {problem.errors !== undefined && (
          <ul>
            {problem.errors.map(({ path, message }) => (
              <li key={path + message}>
                <code>{path}</code> {message}
              </li>
            ))}
          </ul>
        )}
        {problem.request_id !== undefined && (
          <p class="muted small">request {problem.request_id}</p>
        )}
        {onRetry !== undefined && (
          <Button icon="retry" onClick={onRetry}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}

/**
 * Shows loaded data by `children`; before the first answer `Loading`. A failed read shows the
 * `Problem`, above the older data.
 */
export function Read<T>({
  from: { data, problem, reload },
  lines,
  label,
  children,
}: {
  readonly from: Loaded<T>;
  readonly lines: number;
  readonly label: string;
  readonly children: (data: T) => JSX.Element;
}): JSX.Element {
  // The data keep a place in the tree, so that a user's text below the problem is kept.
  return (
    <>
      {problem.value !== null && <Problem problem={problem.value} onRetry={reload} />}
      {data.value !== null && children(data.value)}
      {problem.value === null && data.value === null && <Loading lines={lines} label={label} />}
    </>
  );
}
