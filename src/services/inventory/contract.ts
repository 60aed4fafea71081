/** Inventory as the other contexts see it: stock per SKU and one hold per order. */
import type { Money, OrderedLine, ReserveOutput } from "../../../machines/types.ts";
import type { UnavailableResult } from "../unavailable.ts";

export type {
  EndHoldInput,
  EndHoldOutput,
  ReserveOutput,
  ReturnStockOutput,
} from "../../../machines/types.ts";

/** What an order reserves: all of its lines, or none. */
export type ReserveRequest = { readonly orderId: string; readonly lines: readonly OrderedLine[] };

/** Stock of one SKU as the API shows it, in pieces. */
export type StockView = {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  /** Always available + reserved. */
  readonly onHand: number;
  readonly reserved: number;
  /** Below zero when an adjustment left less than orders hold. */
  readonly available: number;
  /** Pieces that orders hold and that are not there; absent when there are enough. */
  readonly short?: number;
  /** False: off sale, new orders for it are refused. Absent where an owner of version 0.1.0 answers: true. */
  readonly listed?: boolean;
  /** Rises with every change of the stock; absent where an owner of version 0.1.0 answers. */
  readonly version?: number;
};

/**
 * A SKU's catalogue entry and its counted stock: an absolute value, not a difference. What is left out stays as it is.
 * A new SKU needs a name and a price; without the others it has no pieces and is listed.
 */
export type PutStock = {
  readonly onHand?: number;
  readonly name?: string;
  readonly price?: Money;
  readonly listed?: boolean;
};

/** How a put is made. */
export type PutHow = {
  readonly condition?: StockCondition;
  /** The same key with the same SKU and put is done once. */
  readonly key?: { readonly idempotencyKey: string; readonly caller: string };
};

/** Why a put changed nothing. */
export type PutRefusal =
  | { readonly status: "below_reserved"; readonly reserved: number }
  | { readonly status: "version_changed"; readonly version?: number }
  /** The SKU is new, and this is missing. */
  | { readonly status: "incomplete"; readonly missing: readonly ("name" | "price")[] }
  | { readonly status: "idempotency_key_reused" };

/** The outcome of a put. */
export type PutResult = { readonly status: "stored"; readonly stock: StockView } | PutRefusal;

/** What a put would do: the stock now, null for a new SKU, and after it. */
export type PredictedPut = {
  readonly status: "predicted";
  /** Why it would be refused; absent when it would be done. */
  readonly refusal?: PutRefusal;
  readonly before: StockView | null;
  readonly after: StockView | null;
};

/**
 * Under which version of the stock a put may be done (RFC 9110, section 13.1). `match`: it has one of these versions,
 * or exists at all. `noneMatch`: it has none of them, or does not exist.
 */
export type StockCondition = {
  readonly match?: readonly number[] | "any";
  readonly noneMatch?: readonly number[] | "any";
};

/** Why the count of a SKU differs from what was recorded. */
export const adjustmentReasons = ["received", "found", "damaged", "theft", "count", "correction"] as const;

/** Changes the count of a SKU by a difference (`delta`), or to what was counted (`countedTo`). */
export type AdjustStock = {
  /** Not 0. Either this or `countedTo`. */
  readonly delta?: number;
  readonly countedTo?: number;
  /** What `onHand` must be; with another value nothing is done. */
  readonly expected?: number;
  readonly reason: (typeof adjustmentReasons)[number];
  /** Of the document that says so, for people. */
  readonly reference?: string;
  readonly note?: string;
};

/** An adjustment as it was done. */
export type Adjustment = Omit<AdjustStock, "delta"> & {
  readonly id: string;
  readonly sku: string;
  readonly delta: number;
  readonly onHand: number;
  /** Pieces that orders hold and that were not there after it. */
  readonly short: number;
};

/** One change of a SKU's stock. `onHand` and `reserved` are differences, in pieces. */
export type Movement = {
  /** Position of the stock's message in the log; changes that were stored together share it. */
  readonly sequence: number;
  /** RFC 3339, UTC: when the server stored it. */
  readonly at: string;
  /** `unrecorded`: an owner of version 0.1.0 made it, which records no causes. */
  readonly kind: "reserved" | "released" | "shipped" | "returned" | "put" | "adjusted" | "unrecorded";
  readonly onHand: number;
  readonly reserved: number;
  /** With `reserved`, `released` and `shipped`. */
  readonly orderId?: string;
  /** With `adjusted`: its id and why it was done. */
  readonly adjustmentId?: string;
  readonly reason?: AdjustStock["reason"];
  readonly reference?: string;
  readonly note?: string;
};

/** An order that gives way, because the pieces of a SKU do not suffice: `short` of its `quantity` are not there. */
export type Shortage = { readonly orderId: string; readonly quantity: number; readonly short: number };

/** Reads and changes stock. Holds are effects of orders: inventory-effects.ts. */
export interface Inventory {
  /**
   * Sets name, price and count of a SKU, and whether it is for sale. `below_reserved`: orders hold more than `onHand`.
   * `version_changed`: the condition does not hold; `version` is absent for a SKU that does not exist. A repetition
   * under the same key is answered with the stock as it is then.
   */
  put(sku: string, stock: PutStock, how?: PutHow): Promise<PutResult | UnavailableResult>;
  /** What a put would do now. Nothing is written. */
  predictPut(sku: string, stock: PutStock, how?: PutHow): Promise<PredictedPut | UnavailableResult>;
  /**
   * Adjusts the count. The same key with the same body gets the first result, and nothing is done twice. A count below
   * what orders hold is accepted: the newest reservations give way until pieces arrive or orders end.
   */
  adjust(
    sku: string,
    adjustment: AdjustStock,
    call: { readonly idempotencyKey: string; readonly caller: string },
  ): Promise<AdjustResult | UnavailableResult>;
  /** What changed the stock, newest first. @param page.before `next` of the previous page */
  movements(
    sku: string,
    page: { readonly limit: number; readonly before?: MovementCursor },
  ): Promise<
    | {
        readonly status: "found";
        readonly items: readonly Movement[];
        readonly next: MovementCursor | null;
      }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /**
   * The orders that give way while a SKU is short, newest first. `unnamed`: short pieces of orders that were reserved
   * by an owner of version 0.1.0, or too long ago to be searched for.
   */
  shortages(
    sku: string,
  ): Promise<
    | { readonly status: "found"; readonly items: readonly Shortage[]; readonly unnamed: number }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /** Acknowledged stock of one SKU. */
  get(
    sku: string,
  ): Promise<
    | { readonly status: "found"; readonly stock: StockView }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /** By SKU, ascending; `after`: the last SKU of the previous page. */
  list(page: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<
    | { readonly status: "found"; readonly items: readonly StockView[]; readonly next: string | null }
    | UnavailableResult
  >;
  /** What a reservation of these lines would get now. Nothing is held. */
  predict(
    lines: readonly OrderedLine[],
  ): Promise<{ readonly status: "predicted"; readonly output: ReserveOutput } | UnavailableResult>;
  /**
   * Checks SKUs before an order is started. A SKU that was known once stays known, so the node caches positive answers;
   * it always asks the owner about an unknown SKU, and about one that is off sale.
   * @returns `notForSale`: those that are in the catalogue and off sale; absent: none
   */
  known(skus: readonly string[]): Promise<
    | {
        readonly status: "checked";
        readonly unknown: readonly string[];
        readonly notForSale?: readonly string[];
      }
    | UnavailableResult
  >;
  /** A reservation has found these SKUs off sale: the next `known` asks the owner about them again. */
  recheck(skus: readonly string[]): void;
}

/** A place between two movements: the next one is before it. `index`: within the changes of that sequence. */
export type MovementCursor = { readonly sequence: number; readonly index: number };

/** The outcome of an adjustment. Only `adjusted` has done something, by this call or by an earlier one. */
export type AdjustResult =
  | { readonly status: "adjusted"; readonly adjustment: Adjustment }
  | { readonly status: "not_found" }
  | { readonly status: "stock_changed"; readonly onHand: number }
  /** More pieces would go than there are. */
  | { readonly status: "below_zero"; readonly onHand: number }
  | { readonly status: "idempotency_key_reused" };
