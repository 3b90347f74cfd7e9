/** Task name to what its trigger takes. Empty here: `npm run compile` adds the tasks of peach.conf. */
export interface PeachTasks {}
