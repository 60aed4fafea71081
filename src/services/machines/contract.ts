/** The machines of an order as data, and simulations of them, as HTTP sees them. Outcomes are values. */
import type { PaymentMethod } from "../../../machines/types.ts";
import type { GuardVerdict, HistoryTransition } from "../orders/contract.ts";
import type { OpenCall, PendingTimer } from "../insight/contract.ts";
import type { UnavailableResult } from "../unavailable.ts";

/** One machine in a list. */
export type MachineOutline = {
  /** Its name in records, histories and answers. */
  readonly kind: string;
  readonly version: number;
  /** The versions that this program reads, oldest first. */
  readonly versions: readonly number[];
  /** Changes whenever the chart does. */
  readonly hash: string;
  /** Numbers of its states and transitions. */
  readonly states: number;
  readonly transitions: number;
};

/** One state, with its texts. */
export type MachineState = {
  readonly path: string;
  readonly parent: string | null;
  readonly kind: "atomic" | "compound" | "parallel" | "final";
  readonly initial?: string;
  readonly invokes: readonly { readonly id: string; readonly src: string }[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** Absent for the whole machine. */
  readonly texts?: {
    readonly meaning: string;
    readonly awaits: string;
    readonly waitsFor: string;
    readonly says: string;
  };
};

/** One transition. `event` is empty where it follows by itself. */
export type MachineTransition = {
  readonly id: string;
  readonly source: string;
  readonly event: string;
  readonly index: number;
  readonly targets: readonly string[];
  readonly guard?: string;
  readonly actions: readonly string[];
  readonly after?: string | number;
};

/** One machine, whole. */
export type MachineChart = Omit<MachineOutline, "states" | "transitions"> & {
  readonly states: readonly MachineState[];
  readonly transitions: readonly MachineTransition[];
  readonly guards: readonly string[];
  /** The events of other machines that it receives, with those that emit nothing else. */
  readonly listensTo: readonly string[];
};

/** Where a simulation begins. */
export type SimulatedFrom =
  /** An order as one of its commits has left it. */
  | { readonly orderId: string; readonly version: number }
  /** A new order; events go to the machine `kind` first. */
  | {
      readonly kind: string;
      readonly input?: {
        readonly method?: PaymentMethod;
        readonly mode?: "auto" | "manual";
        readonly stepDelayMs?: number;
      };
    };

/** A step: an event for a machine, the outcome of an open call, or a pending timer that fires. */
export type SimulatedStep =
  | { readonly event: string; readonly machine?: string; readonly data?: Readonly<Record<string, unknown>> }
  | { readonly effect: string; readonly output: unknown }
  | {
      readonly effect: string;
      readonly error: { readonly code: string; readonly kind: "refused" | "retryable" | "unknown" };
    }
  | { readonly timer: string };

/** What one step did; the first one is the beginning. */
export type SimulatedResult = {
  readonly accepted: boolean;
  readonly why?: string;
  readonly states: Readonly<Record<string, unknown>>;
  readonly machines: readonly HistoryTransition[];
  readonly events: readonly string[];
  /** Opened by the step; `open` has all that are. */
  readonly effects: readonly string[];
  readonly timers: readonly string[];
  readonly guards: readonly GuardVerdict[];
  readonly open: { readonly effects: readonly OpenCall[]; readonly timers: readonly PendingTimer[] };
};

/** Bounds of one simulation. */
export const simulationBounds = { steps: 100, timeMs: 500 } as const;

/** The machines of an order, and what they would do. */
export interface Machines {
  list(): readonly MachineOutline[];
  chart(kind: string): MachineChart | undefined;
  /**
   * Takes the steps one after the other; a step that is not accepted changes nothing. Nothing is written or called.
   * `complete`: false when the time was up before the last step.
   */
  simulate(
    from: SimulatedFrom,
    steps: readonly SimulatedStep[],
  ): Promise<
    | {
        readonly status: "simulated";
        readonly results: readonly SimulatedResult[];
        readonly complete: boolean;
      }
    | { readonly status: "not_found" }
    | { readonly status: "version_not_found" }
    | { readonly status: "machine_not_found" }
    | UnavailableResult
  >;
}
