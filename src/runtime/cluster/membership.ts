/**
 * How this process becomes one of the nodes of the cluster, and how it ceases to be one: identity and presence.
 * Composition only.
 */
import type { Failpoints } from "../failpoints.ts";
import type { Bucket, Bus, Clock, Log } from "../ports.ts";
import type { Subjects } from "../subjects.ts";
import { Identity } from "./identity.ts";
import type { IdentityTaken } from "./identity-taken.ts";
import { Presence, type PresenceOptions } from "./presence.ts";

/** What membership needs from its node. */
export type MembershipOptions = Pick<PresenceOptions, "entry" | "onChange" | "onRegained"> & {
  readonly node: string;
  readonly boot: string;
  readonly subjects: Subjects;
  /** The bucket of the nodes' presence. */
  readonly nodes: Bucket;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly unreadable: PresenceOptions["unreadable"];
  readonly log: Log;
  readonly presenceTtlMs: number;
  readonly presenceRefreshMs: number;
  readonly onIdentityTaken?: ((taken: IdentityTaken) => void) | undefined;
  readonly failpoints?: Failpoints | undefined;
};

/** See the top of the file. */
export class Membership {
  readonly presence: Presence;
  private readonly identity: Identity;
  private readonly options: MembershipOptions;
  private takenBy: IdentityTaken | undefined;

  constructor(options: MembershipOptions) {
    this.options = options;
    const { presenceTtlMs: ttlMs, presenceRefreshMs: refreshMs } = options;
    this.identity = new Identity({ ...options, ttlMs, onTaken: (taken) => this.leaves(taken) });
    this.presence = new Presence({ ...options, identity: this.identity, ttlMs, refreshMs });
  }

  /**
   * Reads the other nodes, and resolves when this process may take part. It is not visible yet.
   * @throws IdentityTaken; Unavailable (retryable)
   */
  async enter(): Promise<void> {
    await this.presence.start();
    await this.identity.vacant();
  }

  /** Why this process will not be present again: another one has its id. */
  taken(): string | undefined {
    return this.takenBy?.message;
  }

  private leaves(taken: IdentityTaken): void {
    this.options.log.error(
      { reason: taken.message },
      "another process has the id of this node: it serves nothing",
    );
    this.takenBy = taken;
    this.options.onIdentityTaken?.(taken);
  }
}
