/** What a node shows of itself: for health, metrics, the cluster view and hosts. Types only. */
import type { HistogramState } from "./duration-histogram.ts";
import type { EffectDurations } from "./effects/effect-durations.ts";
import type { InputCounts } from "./tenure/input-tally.ts";
import type { UnclaimedShare } from "./cluster/own-share.ts";
import type { TakeoverCounts } from "./cluster/takeover-counts.ts";
import type { UnreadableEntries } from "./unreadable.ts";
import type { Drained } from "./cluster/placement.ts";
import type { NodeEntry } from "./cluster/presence.ts";
import type { AgreementState } from "./cluster/settings-agreement.ts";
import type { ProviderStatus } from "./effects/provider-limiter.ts";
import type { RelayState } from "./commit/relay.ts";
import type { ClockState } from "./cluster/server-clock.ts";

/** A node at one moment, as it sees itself and the others. */
export type NodeStatus = {
  /** There is a connection to the server. */
  readonly connected: boolean;
  /** The node's own presence has not expired: it may act as an owner. */
  readonly present: boolean;
  /** Why the node has ended its work permanently: a log is not the one that it has read. `undefined` until then. */
  readonly logLost: string | undefined;
  /** Stored entries that this node could not read, by kind. */
  readonly unreadable: ReturnType<UnreadableEntries["counts"]>;
  /** Why it will not be present again: another process has its id. */
  readonly taken: string | undefined;
  /** How its settings compare with those of the cluster; undefined: they are not compared. */
  readonly settings: AgreementState | undefined;
  /** Resources whose lock this node holds: `partition.7`. */
  readonly held: readonly string[];
  /** The owner of every resource; `node` is empty while there is none. */
  readonly owners: readonly { readonly resource: string; readonly node: string; readonly epoch: number }[];
  /** What this node should have and no present node holds. */
  readonly unclaimed: UnclaimedShare;
  /** What this process took over, by reason, and lost. */
  readonly takeovers: TakeoverCounts;
  /** An operator has drained this node: it gives everything away and takes nothing. Undefined: it takes part. */
  readonly drained: Drained | undefined;
  /** The present nodes, this one included. */
  readonly entries: readonly NodeEntry[];
  readonly relay: RelayState;
  /** Of write sets that are stored, from the decision to the acknowledgement. */
  readonly commitDurations: HistogramState;
  /** Version of the definition that the node hosts. */
  readonly definition: number;
  readonly clock: ClockState;
  /** Effects under way or in line. */
  readonly effects: number;
  readonly providers: readonly ProviderStatus[];
  /** Of effects that this process began, from the first call to the outcome. */
  readonly effectDurations: EffectDurations;
  /** Every partition, by number. `lag`: inbox inputs read and not yet evaluated. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly open: boolean;
    readonly lag: number;
    readonly actors: number;
    /** Stopped by an input; an operator has to act. */
    readonly parked: number;
    /** Since the start of the process. */
    readonly inputs: InputCounts;
    /** Written by a newer program: this node cannot read them. */
    readonly newer: number;
    /** This program does not know what their records hold. */
    readonly unreadable: number;
  }[];
};
