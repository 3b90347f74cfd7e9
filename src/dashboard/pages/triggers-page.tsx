/**
 * The page Triggers: tasks by hand, endpoints, schedules, uploads and events.
 *
 * API calls:
 * - `GET /tasks` for tasks, uploads and events.
 * - `GET /endpoints` for endpoints.
 * - `GET /schedules` for schedules, by triggers/schedules-view.tsx.
 *
 * The path is `/dashboard/triggers/SECTION/NAME`.
 */
import type { JSX } from "preact";
import type { DeployedEndpoint } from "../../contract/endpoints.ts";
import type { DeployedTask } from "../../contract/tasks.ts";
import { useGet } from "../parts/load.ts";
import { usePageTitle } from "../parts/page-title.ts";
import { Empty, Read } from "../parts/states.tsx";
import { TRIGGER_SECTIONS, type TriggerSection, triggersPath } from "../routes.ts";
import { EndpointsView } from "../triggers/endpoints-view.tsx";
import { EventsView } from "../triggers/events-view.tsx";
import { SchedulesView } from "../triggers/schedules-view.tsx";
import { TasksView } from "../triggers/tasks-view.tsx";
import { UploadsView } from "../triggers/uploads-view.tsx";

/** Shows a section. `name` is the task, endpoint or event that is open. */
export function TriggersPage({
  section,
  name,
}: {
  readonly section: TriggerSection;
  readonly name: string | null;
}): JSX.Element {
  usePageTitle("Triggers");
  return (
    <>
      <h1>Triggers</h1>
      <nav class="sections" aria-label="Kinds of triggers">
        {TRIGGER_SECTIONS.map((other) => (
          <a
            key={other}
            href={triggersPath(other)}
            aria-current={other === section ? "page" : undefined}
          >
            {other}
          </a>
        ))}
      </nav>
      <Section section={section} name={name} />
    </>
  );
}

/** Reads what the section needs and shows it. */
function Section({
  section,
  name,
}: {
  readonly section: TriggerSection;
  readonly name: string | null;
}): JSX.Element {
  switch (section) {
    case "schedules":
      return <SchedulesView />;
    case "endpoints":
      return (
        <WithEndpoints>
          {(endpoints) => <EndpointsView endpoints={endpoints} name={name} />}
        </WithEndpoints>
      );
    case "tasks":
      return <WithTasks>{(tasks) => <TasksView tasks={tasks} name={name} />}</WithTasks>;
    case "uploads":
      return <WithTasks>{(tasks) => <UploadsView tasks={tasks} />}</WithTasks>;
    case "events":
      return <WithTasks>{(tasks) => <EventsView tasks={tasks} name={name} />}</WithTasks>;
  }
}

/** Reads the deployed tasks and passes them on, or shows why there are none. */
function WithTasks({
  children,
}: {
  readonly children: (tasks: readonly DeployedTask[]) => JSX.Element;
}): JSX.Element {
  const tasks = useGet<{ readonly tasks: readonly DeployedTask[] }>("/tasks");
  return (
    <Read from={tasks} lines={8} label="the tasks">
      {(data) =>
        data.tasks.length === 0 ? (
          <Empty icon="pipelines" title="No tasks are deployed" />
        ) : (
          children(data.tasks)
        )
      }
    </Read>
  );
}

/** Reads the deployed endpoints and passes them on, or shows why there are none. */
function WithEndpoints({
  children,
}: {
  readonly children: (endpoints: readonly DeployedEndpoint[]) => JSX.Element;
}): JSX.Element {
  const endpoints = useGet<{ readonly endpoints: readonly DeployedEndpoint[] }>("/endpoints");
  return (
    <Read from={endpoints} lines={8} label="the endpoints">
      {(data) =>
        data.endpoints.length === 0 ? (
          <Empty icon="hook" title="No endpoints are deployed">
            peach.conf names them under <code>endpoints</code>.
          </Empty>
        ) : (
          children(data.endpoints)
        )
      }
    </Read>
  );
}
