/** A list of which only what is seen is drawn. Rows have one height. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface VirtualListProps {
  readonly label: string;
  readonly count: number;
  readonly rowHeight: number;
  /** At most this high, in pixels. */
  readonly maxHeight: number;
  readonly row: (index: number) => ComponentChildren;
  /** Called with the last row that is seen. */
  readonly onSeen?: (index: number) => void;
}

const BEYOND = 6;

/** Scrolls by itself; the keyboard scrolls it too. */
export function VirtualList({
  label,
  count,
  rowHeight,
  maxHeight,
  row,
  onSeen,
}: VirtualListProps): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const first = useSignal(0);
  const height = Math.min(maxHeight, count * rowHeight);
  const seen = Math.ceil(height / rowHeight);
  const follow = (): void => {
    first.value = Math.floor((scroller.current?.scrollTop ?? 0) / rowHeight);
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
