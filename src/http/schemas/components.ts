/** The schemas that routes refer to by name; the names are those of the OpenAPI document. */
import { CancelOrder, DeliverOrder, NoFields, QualityCheck } from "./commands.ts";
import { DeadLetter, DeadLetterPage, ReplayedDeadLetter } from "./dead-letters.ts";
import { PutStockBody, Stock, StockPage } from "./inventory.ts";
import { Cluster, Live, Ready } from "./operations.ts";
import { History, Order } from "./order.ts";
import { ParkedPage, SkipInput } from "./parked.ts";
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
  ParkedPage,
  SkipInput,
  DeadLetter,
  DeadLetterPage,
  ReplayedDeadLetter,
  Live,
  Ready,
  Cluster,
  ProblemSchema,
] as const;
