/** Every call of the API, in the order in which its description shows them (see `operation.ts`). */
import type { Operation } from "./operation.ts";
import { createToken, deleteToken, endSession, listSessions, listTokens } from "./operations/access.ts";
import { listAudit } from "./operations/audit.ts";
import { cancelRuns, replayRuns, retryRuns } from "./operations/bulk.ts";
import { deleteDeadLetter, listDeadLetters, redriveDeadLetter } from "./operations/dead-letters.ts";
import {
  listEndpoints,
  listTasks,
  pauseTask,
  readGraph,
  readHealth,
  readMetrics,
  readTask,
  resumeTask,
} from "./operations/deployment.ts";
import { readOpenApi } from "./operations/description.ts";
import { listDeliveries, replayDelivery } from "./operations/endpoints.ts";
import { listItems } from "./operations/items.ts";
import { listLimits } from "./operations/limits.ts";
import { countRunsOperation, followRuns, listRuns } from "./operations/run-lists.ts";
import {
  listenToRun,
  readItemPayload,
  readRun,
  readRunPayload,
  readTaskLogs,
  readTaskPayload,
} from "./operations/runs.ts";
import { listSchedules, pauseSchedules, resumeSchedules } from "./operations/schedules.ts";
import { cancelRun, completeTask, replayRun, retryRun } from "./operations/steering.ts";
import { emitEvent, reconcileBucket, triggerTask } from "./operations/triggers.ts";

export const OPERATIONS: readonly Operation[] = [
  triggerTask,
  emitEvent,
  reconcileBucket,
  listRuns,
  countRunsOperation,
  followRuns,
  readRun,
  listenToRun,
  readRunPayload,
  readTaskPayload,
  readTaskLogs,
  listItems,
  readItemPayload,
  cancelRun,
  retryRun,
  replayRun,
  completeTask,
  cancelRuns,
  retryRuns,
  replayRuns,
  listSchedules,
  pauseSchedules,
  resumeSchedules,
  listDeliveries,
  replayDelivery,
  listDeadLetters,
  redriveDeadLetter,
  deleteDeadLetter,
  listTasks,
  readTask,
  pauseTask,
  resumeTask,
  readGraph,
  listEndpoints,
  listLimits,
  listAudit,
  readHealth,
  readMetrics,
  readOpenApi,
  listTokens,
  createToken,
  deleteToken,
  listSessions,
  endSession,
];
