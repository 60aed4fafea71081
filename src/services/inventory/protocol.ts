/** Requests to the owner of an inventory shard, and its answers: JSON, the same on the bus and within a node. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { OrderedLine } from "../../../machines/types.ts";
import {
  type AdjustResult,
  type AdjustStock,
  adjustmentReasons,
  type EndHoldOutput,
  type Movement,
  type MovementCursor,
  type PredictedPut,
  type PutResult,
  type PutStock,
  type ReserveOutput,
  type ReturnStockOutput,
  type Shortage,
  type StockCondition,
  type StockView,
} from "./contract.ts";
import { bounds } from "./rules.ts";

/** Most items in one page of `list`, and most SKUs in one `known`. */
export const MAX_PAGE = 500;

/** Most movements in one page; each may cost its owner a read of the log. */
export const MAX_MOVEMENTS = 200;

/** All operations, by name. All are idempotent: a client repeats what was not answered. */
export type Operations = {
  /** `fresh`: the order cannot have a hold yet, so the owner skips the read. A wrong guess costs a refusal. */
  reserve: {
    input: { readonly orderId: string; readonly lines: readonly OrderedLine[]; readonly fresh?: boolean };
    output: ReserveOutput;
  };
  release: { input: { readonly orderId: string }; output: EndHoldOutput };
  ship: { input: { readonly orderId: string }; output: EndHoldOutput };
  /** Puts what was shipped back into stock, once. */
  return: { input: { readonly orderId: string }; output: ReturnStockOutput };
  /** `command`: id of this put; a repeat with it changes nothing. */
  put: {
    input: {
      readonly sku: string;
      readonly stock: Required<Omit<PutStock, "listed">>;
      readonly command: string;
    };
    output:
      | { readonly status: "stored"; readonly stock: StockView }
      | { readonly status: "below_reserved"; readonly reserved: number };
  };
  /**
   * A put that an owner of version 0.1.0 must not do, because it would ignore a part of it: with a condition, a key
   * (`id` from it; `request`: hash of the put), or without the count, or about the sale.
   */
  putIf: { input: PutIf; output: PutResult };
  /** What a put would do. */
  predictPut: { input: PutIf; output: PredictedPut };
  /** `id`: from the idempotency key; `request`: hash of the body. A repeat gets the first result. */
  adjust: {
    input: {
      readonly sku: string;
      readonly adjustment: AdjustStock;
      readonly id: string;
      readonly request: string;
    };
    output: AdjustResult;
  };
  movements: {
    input: { readonly sku: string; readonly limit: number; readonly before?: MovementCursor };
    output: { readonly items: readonly Movement[]; readonly next: MovementCursor | null } | null;
  };
  shortages: {
    input: { readonly sku: string };
    output: { readonly items: readonly Shortage[]; readonly unnamed: number } | null;
  };
  get: { input: { readonly sku: string }; output: StockView | null };
  list: {
    input: { readonly limit: number; readonly after?: string };
    output: { readonly items: readonly StockView[]; readonly next: string | null };
  };
  known: {
    input: { readonly skus: readonly string[] };
    /** `notForSale`: absent where an owner of version 0.1.0 answers. */
    output: { readonly unknown: readonly string[]; readonly notForSale?: readonly string[] };
  };
};

type PutIf = {
  readonly sku: string;
  readonly stock: PutStock;
  readonly command: string;
  readonly condition?: StockCondition;
  readonly key?: { readonly id: string; readonly request: string };
};

/** Name of an operation. */
export type Operation = keyof Operations;
/** A request; `op` is the discriminator. */
export type InventoryRequest<O extends Operation = Operation> = {
  [K in O]: { readonly op: K } & Operations[K]["input"];
}[O];

/** Code of the refusal of a request that the owner's version does not know. */
export const INVALID_REQUEST = "invalid_request";

/** The answer to a request: its output, or the reason why there is none. */
export type Answer<T> =
  | { readonly status: "ok"; readonly output: T }
  /** This node does not own the shard (any more). The request may have been carried out. */
  | { readonly status: "not_owner" }
  /** Retryable. The request may have been carried out. */
  | { readonly status: "unavailable"; readonly reason: string }
  /** A bounded queue is full; nothing was done. */
  | { readonly status: "overloaded" }
  /** A repeat fails in the same way; nothing was done. */
  | { readonly status: "refused"; readonly code: string; readonly reason: string };

/** The answer to a request of one operation. */
export type InventoryReply<O extends Operation = Operation> = Answer<Operations[O]["output"]>;

const OrderId = Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$" });
const Sku = Type.String({ minLength: 1, maxLength: bounds.skuLength });
const Lines = Type.Array(Type.Object({ sku: Sku, quantity: Type.Integer() }), {
  minItems: 1,
  maxItems: bounds.lines,
});
const Put = Type.Object({
  onHand: Type.Integer(),
  name: Type.String(),
  price: Type.Object({ amount: Type.Integer(), currency: Type.String() }),
});
const PartialPut = Type.Object({
  onHand: Type.Optional(Type.Integer()),
  name: Type.Optional(Put.properties.name),
  price: Type.Optional(Put.properties.price),
  listed: Type.Optional(Type.Boolean()),
});
const Versions = Type.Union([Type.Literal("any"), Type.Array(Type.Integer(), { maxItems: 100 })]);
const Condition = Type.Object({ match: Type.Optional(Versions), noneMatch: Type.Optional(Versions) });
const Adjustment = Type.Object({
  delta: Type.Optional(Type.Integer()),
  countedTo: Type.Optional(Type.Integer({ minimum: 0 })),
  expected: Type.Optional(Type.Integer()),
  reason: Type.Union(adjustmentReasons.map((reason) => Type.Literal(reason))),
  reference: Type.Optional(Type.String({ maxLength: bounds.nameLength })),
  note: Type.Optional(Type.String({ maxLength: bounds.noteLength })),
});
const Command = Type.String({ minLength: 1, maxLength: 128 });
const putIf = {
  sku: Sku,
  stock: PartialPut,
  command: Command,
  condition: Type.Optional(Condition),
  key: Type.Optional(Type.Object({ id: OrderId, request: Command })),
};
const op = <const O extends Operation>(name: O) => Type.Literal(name);

const RequestSchema = Compile(
  Type.Union([
    Type.Object({
      op: op("reserve"),
      orderId: OrderId,
      lines: Lines,
      fresh: Type.Optional(Type.Boolean()),
    }),
    Type.Object({ op: op("release"), orderId: OrderId }),
    Type.Object({ op: op("ship"), orderId: OrderId }),
    Type.Object({ op: op("return"), orderId: OrderId }),
    Type.Object({
      op: op("put"),
      sku: Sku,
      stock: Put,
      command: Command,
    }),
    Type.Object({ op: op("putIf"), ...putIf }),
    Type.Object({ op: op("predictPut"), ...putIf }),
    Type.Object({
      op: op("adjust"),
      sku: Sku,
      adjustment: Adjustment,
      id: OrderId,
      request: Command,
    }),
    Type.Object({
      op: op("movements"),
      sku: Sku,
      limit: Type.Integer({ minimum: 1, maximum: MAX_MOVEMENTS }),
      before: Type.Optional(
        Type.Object({ sequence: Type.Integer({ minimum: 1 }), index: Type.Integer({ minimum: 0 }) }),
      ),
    }),
    Type.Object({ op: op("shortages"), sku: Sku }),
    Type.Object({ op: op("get"), sku: Sku }),
    Type.Object({
      op: op("list"),
      limit: Type.Integer({ minimum: 1, maximum: MAX_PAGE }),
      after: Type.Optional(Type.String()),
    }),
    Type.Object({ op: op("known"), skus: Type.Array(Sku, { maxItems: MAX_PAGE }) }),
  ]),
);

/** The request in a payload; undefined when this version does not know it. */
export function parseRequest(payload: string): InventoryRequest | undefined {
  let request: unknown;
  try {
    request = JSON.parse(payload);
  } catch {
    return undefined;
  }
  return RequestSchema.Check(request) ? request : undefined;
}

const ReserveSchema = Compile(Type.Object({ orderId: OrderId, lines: Lines }));
const EndHoldSchema = Compile(Type.Object({ orderId: OrderId }));

/** Narrows the input of the effect `reserveInventory`. */
export function isReserveInput(input: unknown): input is Operations["reserve"]["input"] {
  return ReserveSchema.Check(input);
}

/** Narrows the input of the effects `releaseInventory`, `shipInventory` and `returnInventory`. */
export function isEndHoldInput(input: unknown): input is Operations["release"]["input"] {
  return EndHoldSchema.Check(input);
}
