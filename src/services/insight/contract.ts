/** What an order is doing, and what it was at an instant, as HTTP sees it. Outcomes are values. */
import type { HistoryItem, OrderCommand, OrderView } from "../orders/contract.ts";
import type { UnavailableResult } from "../unavailable.ts";

/** Parts of an order that its view does not have. */
export const orderParts = ["waits", "actions", "effects", "timers", "machines", "next"] as const;

/** One of {@link orderParts}. */
export type OrderPart = (typeof orderParts)[number];

/** What one machine of an order waits for now. */
export type OrderWait = {
  readonly machine: string;
  readonly for: "effect" | "timer" | "event" | "person" | "customer" | "nothing";
  /** The open call or timer, or the first command that moves it on; null where there is no such name. */
  readonly name: string | null;
  /** Of a timer: RFC 3339, UTC. */
  readonly dueAt?: string;
  /** Of a call: which try it is, from 1. */
  readonly attempt?: number;
  /** Since the order's last change, ms. */
  readonly sinceMs: number;
  /** What operators read. */
  readonly waitsFor: string;
  /** What support and customers read. */
  readonly says: string;
};

/** One command, and whether the order takes it now. */
export type OrderAction = {
  readonly event: OrderCommand["type"];
  readonly enabled: boolean;
  /** Why not; absent when it is enabled. */
  readonly why?: string;
};

/** A call whose outcome is not known yet. Personal data and secrets of its input are masked. */
export type OpenCall = {
  readonly name: string;
  readonly key: string;
  readonly input: unknown;
  /** The order has left the state that made it. */
  readonly abandoned: boolean;
};

/** A timer that has not fired. `dueAt`: RFC 3339, UTC. */
export type PendingTimer = { readonly name: string; readonly dueAt: string };

/** The state of one machine. Personal data and secrets of its context are masked. */
export type MachineView = {
  readonly state: unknown;
  readonly status: string;
  /** Of the machine that wrote it. */
  readonly version: number;
  readonly context: unknown;
};

/** A transition that leaves an active state of a machine. */
export type OrderStep = {
  readonly machine: string;
  /** Its id, as histories and charts have it. */
  readonly edge: string;
  /** Whether it would be taken if its event happened now; null: that depends on what the event says. */
  readonly verdict: boolean | null;
};

/** What an order is doing; each part only when it was asked for. */
export type OrderInsight = {
  readonly waits?: readonly OrderWait[];
  readonly actions?: readonly OrderAction[];
  readonly effects?: readonly OpenCall[];
  readonly timers?: readonly PendingTimer[];
  readonly machines?: Readonly<Record<string, MachineView>>;
  /** Innermost states first, in the order in which the machines check them. */
  readonly next?: readonly OrderStep[];
};

/** One commit of an order with the state that it left. Nothing of it changes any more. */
export type OrderInstant = HistoryItem & {
  readonly machines: Readonly<Record<string, MachineView>>;
  readonly open: { readonly effects: readonly OpenCall[]; readonly timers: readonly PendingTimer[] };
  /** What was possible then, by the present machines; absent when they do not have the states. */
  readonly next?: readonly OrderStep[];
  /** What was published with it, in order; empty for events that are not published. */
  readonly published: readonly { readonly id: string; readonly type: string; readonly data: unknown }[];
};

/** Reads of one order beyond its view. */
export interface OrderInsights {
  /** The acknowledged state, with the parts that are asked for. */
  read(
    id: string,
    parts: readonly OrderPart[],
  ): Promise<
    | { readonly status: "found"; readonly order: OrderView; readonly insight: OrderInsight }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /** The commit with this version. */
  instant(
    id: string,
    version: number,
  ): Promise<
    | { readonly status: "found"; readonly instant: OrderInstant }
    | { readonly status: "not_found" }
    | { readonly status: "version_not_found" }
    | UnavailableResult
  >;
}
