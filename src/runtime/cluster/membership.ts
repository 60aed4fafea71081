/**
 * How this process becomes one of the nodes of the cluster, and how it ceases to be one: identity, settings, presence.
 * Composition only.
 */
import type { Failpoints } from "../failpoints.ts";
import type { Bucket, Bus, Clock, Ids, Log } from "../ports.ts";
import type { Subjects } from "../subjects.ts";
import { Identity } from "./identity.ts";
import type { IdentityTaken } from "./identity-taken.ts";
import { Presence, type PresenceOptions } from "./presence.ts";
import { type AgreementState, SettingsAgreement } from "./settings-agreement.ts";
import type { SharedSettings } from "./shared-settings.ts";

/** What membership needs from its node. */
export type MembershipOptions = Pick<PresenceOptions, "entry" | "onChange" | "onRegained"> & {
  readonly node: string;
  readonly boot: string;
  readonly subjects: Subjects;
  /** The bucket of the nodes' presence. */
  readonly nodes: Bucket;
  /** The bucket of the settings that are equal on all nodes. */
  readonly settings: Bucket;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly unreadable: PresenceOptions["unreadable"];
  readonly ids: Ids;
  readonly log: Log;
  readonly presenceTtlMs: number;
  readonly presenceRefreshMs: number;
  /** Compared with those of the other nodes; absent: nothing is compared. */
  readonly shared?: SharedSettings | undefined;
  readonly onIdentityTaken?: ((taken: IdentityTaken) => void) | undefined;
  readonly failpoints?: Failpoints | undefined;
};

/** See the top of the file. */
export class Membership {
  readonly presence: Presence;
  private readonly identity: Identity;
  private readonly agreement: SettingsAgreement | undefined;
  private readonly options: MembershipOptions;
  private takenBy: IdentityTaken | undefined;

  constructor(options: MembershipOptions) {
    this.options = options;
    const { presenceTtlMs: ttlMs, presenceRefreshMs: refreshMs } = options;
    const { node, settings, shared } = options;
    this.identity = new Identity({ ...options, ttlMs, onTaken: (taken) => this.leaves(taken) });
    this.presence = new Presence({ ...options, identity: this.identity, ttlMs, refreshMs });
    this.agreement =
      shared &&
      new SettingsAgreement({
        ...options,
        shared,
        bucket: settings,
        everyMs: refreshMs,
        others: () => this.presence.present().filter((id) => id !== node),
      });
  }

  /**
   * Reads the other nodes, and resolves when this process may take part. It is not visible yet.
   * @throws IdentityTaken; SettingsDiffer; Unavailable (retryable)
   */
  async enter(): Promise<void> {
    await this.presence.start();
    await this.identity.vacant();
    await this.agreement?.join();
  }

  /** Makes this node visible to the others. @throws IdentityTaken; SettingsDiffer; Unavailable (retryable) */
  async announce(): Promise<void> {
    await this.presence.announce();
    await this.agreement?.start();
  }

  /** Ends heartbeats and comparisons, and deletes the entry. Does not reject when the server is unavailable. */
  async stop(): Promise<void> {
    this.agreement?.stop();
    await this.presence.stop();
  }

  /** Why this process will not be present again: another one has its id. */
  taken(): string | undefined {
    return this.takenBy?.message;
  }

  /** How the settings of this node compare; undefined: they are not compared. */
  settings(): AgreementState | undefined {
    return this.agreement?.state();
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
