/** The schemas that routes refer to by name; the names are those of the OpenAPI document. */
import { BulkItemPage, BulkOperation, BulkPreview, BulkRequest } from "./bulk/schemas.ts";
import {
  AdjustmentSchema,
  AdjustStockBody,
  MovementPage,
  PutStockBody,
  Shortages,
  Stock,
  StockDryRun,
  StockPage,
} from "./inventory/schemas.ts";
import {
  ApiKeyList,
  ApiKeySchema,
  CreateApiKey,
  NewApiKey,
  RevealOrder,
  SessionSchema,
  SignIn,
} from "./access/keys-schemas.ts";
import { AuditPage } from "./audit/schemas.ts";
import { EraseCustomer, ErasedCustomer } from "./customers/schemas.ts";
import { GatewayFaults, NodeDrill } from "./dev/drills.ts";
import { MachineChart, MachineList, Simulate, Simulation } from "./machines/schemas.ts";
import {
  DeadLetter,
  DeadLetterPage,
  DeadLetterState,
  DiscardDeadLetter,
  DiscardedDeadLetter,
  ReplayedDeadLetter,
} from "./operations/dead-letters-schema.ts";
import { ErrorGroups } from "./operations/error-groups-schema.ts";
import { MaintenanceMode, SetMaintenance } from "./maintenance/schemas.ts";
import {
  Cluster,
  ClusterHistory,
  ClusterSamplesSchema,
  Live,
  Ready,
} from "./operations/operations-schema.ts";
import { DrainNode, MovePartition, NodeDrain, PartitionMove } from "./operations/placement-schema.ts";
import {
  CancelOrder,
  DeliverOrder,
  NoFields,
  QualityCheck,
  SettleDispute,
  ReceiveParcel,
  WithReason,
} from "./orders/command-schemas.ts";
import { AnnotateOrder } from "./orders/annotations-schema.ts";
import { DryRun } from "./orders/dry-run.ts";
import { History, Order, OrderMessages } from "./orders/order-schema.ts";
import { MachineCounts, OrderCounts, OrderList, ProjectionSchema } from "./orders/list-schema.ts";
import { OrderInsight, OrderInstant } from "./orders/insight-schema.ts";
import {
  CreatedWebhookEndpoint,
  RotatedWebhookEndpoint,
  CreateWebhookEndpoint,
  WebhookDelivery,
  WebhookDeliveryPage,
  WebhookEndpoint,
  WebhookEndpoints,
} from "./outgoing/schemas.ts";
import { ParkedOrderSchema, ParkedPage, SkipInput } from "./orders/parked-schema.ts";
import { PlaceOrderBody } from "./orders/place-order-schema.ts";
import { ProblemSchema } from "./protocol/problem-schema.ts";
import {
  CarrierWebhook,
  PaymentWebhook,
  UnmatchedWebhook,
  UnmatchedWebhookPage,
} from "./webhooks/schemas.ts";

/** Every schema with a `$id`: Fastify and the document know it by that id. */
export const components = [
  PlaceOrderBody,
  Order,
  DryRun,
  History,
  OrderInsight,
  OrderInstant,
  MachineChart,
  MachineList,
  MachineCounts,
  Simulate,
  Simulation,
  OrderMessages,
  OrderList,
  OrderCounts,
  ProjectionSchema,
  AnnotateOrder,
  CancelOrder,
  NoFields,
  WithReason,
  QualityCheck,
  DeliverOrder,
  ReceiveParcel,
  SettleDispute,
  PutStockBody,
  AdjustStockBody,
  AdjustmentSchema,
  MovementPage,
  Shortages,
  Stock,
  StockDryRun,
  StockPage,
  EraseCustomer,
  ErasedCustomer,
  ApiKeySchema,
  NewApiKey,
  ApiKeyList,
  CreateApiKey,
  SessionSchema,
  SignIn,
  RevealOrder,
  AuditPage,
  SetMaintenance,
  MaintenanceMode,
  MovePartition,
  PartitionMove,
  DrainNode,
  NodeDrain,
  NodeDrill,
  GatewayFaults,
  ClusterSamplesSchema,
  CreateWebhookEndpoint,
  CreatedWebhookEndpoint,
  RotatedWebhookEndpoint,
  WebhookEndpoint,
  WebhookEndpoints,
  WebhookDelivery,
  WebhookDeliveryPage,
  BulkRequest,
  BulkPreview,
  BulkOperation,
  BulkItemPage,
  ParkedPage,
  ParkedOrderSchema,
  SkipInput,
  DeadLetter,
  DeadLetterPage,
  ReplayedDeadLetter,
  DeadLetterState,
  DiscardDeadLetter,
  DiscardedDeadLetter,
  ErrorGroups,
  PaymentWebhook,
  CarrierWebhook,
  UnmatchedWebhook,
  UnmatchedWebhookPage,
  Live,
  Ready,
  Cluster,
  ClusterHistory,
  ProblemSchema,
] as const;
