/** The schemas that routes refer to by name; the names are those of the OpenAPI document. */
import { CancelOrder, DeliverOrder, NoFields, QualityCheck } from "./commands.ts";
import { PutStockBody, Stock, StockPage } from "./inventory.ts";
import { Cluster, Live, Ready } from "./operations.ts";
import { History, Order } from "./order.ts";
import { PlaceOrderBody } from "./place-order.ts";
import { ProblemSchema } from "./problem.ts";

export const components = [
  PlaceOrderBody,
  Order,
  History,
  CancelOrder,
  NoFields,
  QualityCheck,
  DeliverOrder,
  PutStockBody,
  Stock,
  StockPage,
  Live,
  Ready,
  Cluster,
  ProblemSchema,
] as const;
