/** A table that scrolls sideways on small screens, so it can have the focus. */
import type { ComponentChildren, JSX } from "preact";

/** A column: its title, or its title with a class. */
type Column = string | readonly [title: ComponentChildren, style: string];

/** Shows the rows below the titles. `label` names the table for screen readers. */
export function Table({
  label,
  columns,
  style,
  children,
}: {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly style?: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="table-place" tabIndex={0} role="region" aria-label={label}>
      <table class={style}>
        <thead>
          <tr>
            {columns.map((column, index) => {
              const [title, columnStyle] = typeof column === "string" ? [column] : column;
              return (
                <th key={index} scope="col" class={columnStyle}>
                  {title}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
