/**
 * The trigger payload of each task, by name. Empty here: `npm run compile` adds the tasks of
 * peach.conf.
 */
export interface PeachTasks {}
