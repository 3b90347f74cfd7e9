/**
 * A list that renders only its visible rows, so that ten thousand items cost no more than ten. All
 * rows have the same height.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Properties of a list. */
export interface VirtualListProps {
  readonly label: string;
  /** The number of rows, including rows whose content is not loaded yet. */
  readonly count: number;
  /** The height of a row in pixels. */
  readonly rowHeight: number;
  /** The maximum height of the list in pixels. A short list is lower. */
  readonly maxHeight: number;
  /** Renders a row. */
  readonly row: (index: number) => ComponentChildren;
  /** Receives the scrolling element, for a caller that scrolls. */
  readonly scroller?: RefObject<HTMLDivElement | null>;
  /** Called when the user or the caller has scrolled. */
  readonly onScroll?: () => void;
  /** Called with the last rendered row, so that the caller can load more. */
  readonly onSeen?: (index: number) => void;
}

/** Rows rendered above and below the visible ones: fast scrolling shows no gaps. */
const BEYOND = 6;

/**
 * A scrolling list. The list can have the focus: the keyboard then scrolls. Each row tells the
 * position to screen readers, which see only the rendered rows.
 */
export function VirtualList({
  label,
  count,
  rowHeight,
  maxHeight,
  row,
  onSeen,
  ...props
}: VirtualListProps): JSX.Element {
  const own = useRef<HTMLDivElement>(null);
  const scroller = props.scroller ?? own;
  const first = useSignal(0);
  const height = Math.min(maxHeight, count * rowHeight);
  const seen = Math.ceil(height / rowHeight);
  const follow = (): void => {
    first.value = Math.floor((scroller.current?.scrollTop ?? 0) / rowHeight);
    props.onScroll?.();
  };
  const from = Math.max(0, Math.min(first.value, count - seen) - BEYOND);
  const to = Math.min(count, first.value + seen + BEYOND);
  useEffect(() => onSeen?.(to), [to, count, onSeen]);
  return (
    <div
      ref={scroller}
      class="virtual"
      style={{ height: `${height}px` }}
      onScroll={follow}
      tabIndex={0}
      role="list"
      aria-label={label}
    >
      <div class="virtual-inner" style={{ height: `${count * rowHeight}px` }}>
        {Array.from({ length: Math.max(0, to - from) }, (_, offset) => {
          const index = from + offset;
          return (
            <div
              key={index}
              class="virtual-row"
              role="listitem"
              aria-setsize={count}
              aria-posinset={index + 1}
              style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
            >
              {row(index)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
