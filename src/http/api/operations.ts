/** Every call of the API, in the order in which its description shows them (see `operation.ts`). */
import type { Operation } from "../openapi/operation.ts";
import {
  createToken,
  deleteToken,
  endSession,
  listSessions,
  listTokens,
} from "./access.operations.ts";
import { listAudit } from "./audit.operations.ts";
import { cancelRuns, replayRuns, retryRuns } from "./bulk.operations.ts";
import { deleteDeadLetter, listDeadLetters, redriveDeadLetter } from "./dead-letters.operations.ts";
import {
  listEndpoints,
  listTasks,
  pauseTask,
  readGraph,
  readHealth,
  readMetrics,
  readTask,
  resumeTask,
} from "./deployment.operations.ts";
import { readOpenApi } from "./description.operations.ts";
import { listDeliveries, replayDelivery } from "./deliveries.operations.ts";
import { listItems } from "./items.operations.ts";
import { listLimits } from "./limits.operations.ts";
import { countRunsOperation, followRuns, listRuns } from "./run-lists.operations.ts";
import {
  listenToRun,
  readItemPayload,
  readRun,
  readRunPayload,
  readTaskLogs,
  readTaskPayload,
} from "./runs.operations.ts";
import { listSchedules, pauseSchedules, resumeSchedules } from "./schedules.operations.ts";
import { cancelRun, completeTask, replayRun, retryRun } from "./run-actions.operations.ts";
import { emitEvent, reconcileBucket, triggerTask } from "./triggers.operations.ts";

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
