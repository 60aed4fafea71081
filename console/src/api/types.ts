/** Types of the answers, from the schemas that the node answers with. */
import type { Static } from "typebox";
import type * as access from "../../../src/http/access/keys-schemas.ts";
import type * as bulks from "../../../src/http/bulk/schemas.ts";
import type * as deadLetters from "../../../src/http/operations/dead-letters-schema.ts";
import type * as insights from "../../../src/http/orders/insight-schema.ts";
import type * as inventory from "../../../src/http/inventory/schemas.ts";
import type * as machines from "../../../src/http/machines/schemas.ts";
import type * as dryRuns from "../../../src/http/orders/dry-run.ts";
import type * as lists from "../../../src/http/orders/list-schema.ts";
import type * as maintenance from "../../../src/http/maintenance/schemas.ts";
import type * as operations from "../../../src/http/operations/operations-schema.ts";
import type * as orders from "../../../src/http/orders/order-schema.ts";
import type * as parked from "../../../src/http/orders/parked-schema.ts";
import type * as placing from "../../../src/http/orders/place-order-schema.ts";

/** Who uses the console. */
export type Session = Static<typeof access.SessionSchema>;
/** One page of the list of orders. */
export type OrderList = Static<typeof lists.OrderList>;
/** One order of a list. */
export type OrderRow = OrderList["items"][number];
/** Counts by some key. */
export type OrderCounts = Static<typeof lists.OrderCounts>;
/** How far an answer reaches. */
export type AsOf = OrderList["asOf"];
/** One order, whole. */
export type Order = Static<typeof orders.Order>;
/** What `include` adds to an order. */
export type OrderInsight = Static<typeof insights.OrderInsight>;
/** Status of an order. */
export type OrderStatus = OrderRow["status"];
/** How an order is paid. */
export type PaymentMethod = OrderRow["payment"]["method"];
/** An amount in minor units of its currency. */
export type Money = NonNullable<OrderRow["total"]>;
/** The cluster as one node sees it. */
export type Cluster = Static<typeof operations.Cluster>;
/** One page of dead letters. */
export type DeadLetterPage = Static<typeof deadLetters.DeadLetterPage>;
/** One event that a worker abandoned. */
export type DeadLetter = Static<typeof deadLetters.DeadLetter>;
/** One page of parked orders. */
export type ParkedPage = Static<typeof parked.ParkedPage>;
/** One order that no input reaches. */
export type ParkedOrder = ParkedPage["items"][number];
/** Whether new orders are taken. */
export type MaintenanceMode = Static<typeof maintenance.MaintenanceMode>;
/** One page of the stock. */
export type StockPage = Static<typeof inventory.StockPage>;
/** One SKU of the stock. */
export type Stock = StockPage["items"][number];
/** What a request would do. */
export type DryRun = Static<typeof dryRuns.DryRun>;
/** Body of a new order. */
export type PlaceOrder = placing.PlaceOrderBody;
/** One page of the history of an order. */
export type OrderHistory = Static<typeof orders.History>;
/** One commit of an order. */
export type HistoryItem = OrderHistory["items"][number];
/** One commit with the state that it left. */
export type OrderInstant = Static<typeof insights.OrderInstant>;
/** Messages about an order. */
export type OrderMessages = Static<typeof orders.OrderMessages>;
/** A command, and whether the order takes it now. */
export type OrderAction = NonNullable<OrderInsight["actions"]>[number];
/** What a machine of an order waits for. */
export type OrderWait = NonNullable<OrderInsight["waits"]>[number];
/** The machines of an order. */
export type MachineList = Static<typeof machines.MachineList>;
/** A machine as a chart. */
export type MachineChart = Static<typeof machines.MachineChart>;
/** Orders in each state of a machine. */
export type MachineCounts = Static<typeof lists.MachineCounts>;
/** Body of a simulation. */
export type Simulate = machines.Simulate;
/** What a simulation did. */
export type Simulation = Static<typeof machines.Simulation>;
/** What a command to many orders would reach, and the token that starts it. */
export type BulkPreview = Static<typeof bulks.BulkPreview>;
/** A command to many orders, and how far it has come. */
export type BulkOperation = Static<typeof bulks.BulkOperation>;
/** Orders of it, with their outcomes. */
export type BulkItemPage = Static<typeof bulks.BulkItemPage>;
/** What can be done to many orders. */
export type BulkAction = NonNullable<bulks.BulkRequest["action"]>;
/** What a caller may do. */
export type Permission = Session["permissions"][number];
