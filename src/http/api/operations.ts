/** Lists every operation of the API, in the order of the OpenAPI document. */
import type { Operation } from "../openapi/operation.ts";
import { listAudit } from "./audit.ts";
import { cancelRuns, replayRuns, retryRuns } from "./bulk.ts";
import { deleteDeadLetter, listDeadLetters, redriveDeadLetter } from "./dead-letters.ts";
import { listDeliveries, replayDelivery } from "./deliveries.ts";
import { readOpenApi } from "./description.ts";
import { listEndpoints } from "./endpoints.ts";
import { emitEventOperation } from "./events.ts";
import { readGraph } from "./graph.ts";
import { readHealth } from "./health.ts";
import { listLimits } from "./limits.ts";
import { readMetrics } from "./metrics.ts";
import { listRecommendations, readRecommendations, tryRecommendation } from "./recommendations.ts";
import { reconcileBucket } from "./reconcile.ts";
import { cancelRun, completeTask, replayRun, retryRun } from "./run-actions.ts";
import { listenToRun } from "./run-events.ts";
import { listItems } from "./run-items.ts";
import { countRunsOperation, followRuns, listRuns } from "./run-lists.ts";
import { readTaskLogs } from "./run-logs.ts";
import { readItemPayload, readRunPayload, readTaskPayload } from "./run-payloads.ts";
import { readRun } from "./runs.ts";
import { listSchedules, pauseSchedules, resumeSchedules } from "./schedules.ts";
import { endSession, listSessions } from "./sessions.ts";
import { listTasks, pauseTask, readTask, resumeTask } from "./tasks.ts";
import { createToken, deleteToken, listTokens } from "./tokens.ts";
import { listFailures, readStatistics } from "./statistics.ts";
import { triggerTask } from "./triggers.ts";

/**
 * The operations. A test compares the list with the registered routes, and another one holds the
 * rights of each.
 */
export const OPERATIONS: readonly Operation[] = [
  triggerTask,
  emitEventOperation,
  reconcileBucket,
  listRuns,
  countRunsOperation,
  readStatistics,
  listFailures,
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
  listRecommendations,
  readRecommendations,
  tryRecommendation,
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
