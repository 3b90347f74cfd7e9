/** The tasks of a pipeline. Pure. */

/** Lists the tasks in a run of this root, in the given topological order. */
export function tasksBelow<
  Task extends { readonly task: string; readonly downstream: readonly string[] },
>(root: string, tasks: readonly Task[]): Task[] {
  const byName = new Map(tasks.map((task) => [task.task, task]));
  const found = new Set<string>([root]);
  // The loop also visits the names that are added to the set meanwhile.
  for (const name of found)
    for (const child of byName.get(name)?.downstream ?? []) found.add(child);
  return tasks.filter(({ task }) => found.has(task));
}
