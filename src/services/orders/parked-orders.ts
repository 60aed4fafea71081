/**
 * Orders that no input reaches, for operators: lists them by kind, resumes parked ones and skips their inputs. Owns
 * nothing. Outcomes are values.
 */
import type { Layout } from "../../runtime/layout.ts";
import { storedAt } from "./stored-at.ts";
import { askedOf } from "../../runtime/actor/input.ts";
import type { ActorReply, ParkedActors, UnparkOptions, UnreadableActor } from "../../runtime/actors.ts";
import type { Parking } from "../../runtime/actor/parking-record.ts";
import { errorGroups } from "../error-groups.ts";
import { orUnavailable, type Sequenced, unavailableReply } from "../unavailable.ts";
import type { CommandHow } from "./contract.ts";
import type { ParkedOrder, ParkedOrders, UnparkResult } from "../parked/contract.ts";
import { keyedCommandId } from "./order-id.ts";
import { type OpensPersonal, shownPersonal, withoutKeys } from "./personal.ts";
import { orderView } from "./view.ts";

/** See {@link ParkedOrders}. */
export class ParkedOrderService implements ParkedOrders {
  private readonly parked: ParkedActors;

  private readonly open: OpensPersonal;
  private readonly layout: Layout | undefined;
  private readonly secret: string;

  /** @param options.layout of the application; without it no answer states where it is stored */
  constructor(
    parked: ParkedActors,
    {
      open = withoutKeys,
      layout,
      idempotencySecret,
    }: { readonly open?: OpensPersonal; readonly layout?: Layout; readonly idempotencySecret: string },
  ) {
    this.parked = parked;
    this.open = open;
    this.layout = layout;
    this.secret = idempotencySecret;
  }

  async list(options: Parameters<ParkedOrders["list"]>[0]): ReturnType<ParkedOrders["list"]> {
    const { kind } = options;
    return await orUnavailable(async () => {
      if (kind === "newer" || kind === "unreadable") {
        const { actors, unanswered, unlisted } = await this.parked.unreadable();
        const page = pageOf(
          actors.filter((actor) => actor.kind === kind),
          options,
          unreadableOrder,
        );
        if (unanswered.length === 0 && unlisted === 0) return page;
        return { ...page, missing: { partitions: unanswered, orders: unlisted } };
      }
      const parkings = await this.parked.list();
      return pageOf(parkings, options, (parking) => ({ ...(kind ? { kind } : {}), ...parkedOrder(parking) }));
    });
  }

  async find(id: string): ReturnType<ParkedOrders["find"]> {
    return await orUnavailable(async () => {
      const parking = await this.parked.find(id);
      if (parking) return { status: "found", parked: { kind: "input", ...parkedOrder(parking) } };
      const { actors } = await this.parked.unreadable();
      const unread = actors.find(({ actor }) => actor === id);
      return unread ? { status: "found", parked: unreadableOrder(unread) } : { status: "not_parked" };
    });
  }

  async groups(): ReturnType<ParkedOrders["groups"]> {
    return await orUnavailable(async () => {
      const parkings = await this.parked.list();
      const groups = errorGroups(
        parkings.map(({ actor, name, reason, since }) => ({
          id: actor,
          at: since,
          error: reason,
          where: name ?? "",
        })),
      );
      return { status: "found", groups };
    });
  }

  async resume(id: string, how: CommandHow = {}): Promise<Sequenced<UnparkResult>> {
    return await orUnavailable(async () =>
      this.result(id, await this.parked.resume(id, this.unparkOptions(id, how, { type: "resume" }))),
    );
  }

  async skip(id: string, parkingId?: string, how: CommandHow = {}): Promise<Sequenced<UnparkResult>> {
    return await orUnavailable(async () => {
      const options = this.unparkOptions(id, how, { type: "skip", parkingId });
      // With a key the owner takes the present parking: it knows whether the key has skipped another one before.
      // Without a parking the runtime still distinguishes a missing order from one that is not parked.
      const present = how.key ? "" : (await this.parked.find(id))?.id;
      return await this.result(id, await this.parked.skip(id, parkingId ?? present ?? "", options));
    });
  }

  private unparkOptions(id: string, { ifVersions, key, ...asked }: CommandHow, what: object): UnparkOptions {
    return {
      ...askedOf(asked),
      ...(ifVersions && { ifVersions }),
      ...(key && { commandId: keyedCommandId(this.secret, id, key, what, asked.reason) }),
    };
  }

  private async result(id: string, reply: ActorReply): Promise<Sequenced<UnparkResult>> {
    if (reply.status !== "ok") return refusal(id, reply);
    const shown = await shownPersonal(id, reply.snapshot, this.open);
    const order = orderView(id, reply.snapshot, shown);
    return { status: "done", order, ...(this.layout && storedAt(id, reply, this.layout)) };
  }
}

function refusal(id: string, reply: Exclude<ActorReply, { status: "ok" }>): UnparkResult {
  if (reply.status === "not_found") return { status: "not_found" };
  if (reply.status === "request_mismatch") return { status: "idempotency_key_reused", orderId: id };
  if (reply.status === "version_changed")
    return { status: "version_changed", version: reply.snapshot.version };
  if (reply.status !== "refused") return unavailableReply(reply);
  switch (reply.code) {
    case "actor_parked":
      return { status: "still_parked", reason: reply.reason };
    case "not_parked":
    case "parked_otherwise":
    case "nothing_to_skip":
      return { status: reply.code };
    default:
      return reply;
  }
}

type Placed = Pick<Parking, "since" | "actor">;

/** One page of entries that are in the order of {@link keyOf}. */
function pageOf<T extends Placed>(
  all: readonly T[],
  { limit, after }: { readonly limit: number; readonly after?: string },
  item: (entry: T) => ParkedOrder,
): { readonly status: "found"; readonly items: readonly ParkedOrder[]; readonly next: string | null } {
  const rest = after === undefined ? all : all.filter((entry) => isAfter(entry, after));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return { status: "found", items: page.map(item), next: last && rest.length > limit ? keyOf(last) : null };
}

function unreadableOrder({ actor, kind, reason, since }: UnreadableActor): ParkedOrder {
  const time = new Date(since).toISOString();
  return { orderId: actor, kind, parkingId: null, since: time, reason, input: null, version: 0 };
}

function parkedOrder({ actor, id, since, reason, name, version }: Parking): ParkedOrder {
  return {
    orderId: actor,
    parkingId: id,
    since: new Date(since).toISOString(),
    reason,
    input: name,
    version,
  };
}

/** Position in the list: time, then order. */
const keyOf = ({ since, actor }: Placed): string => `${since}.${actor}`;

function isAfter({ since, actor }: Placed, after: string): boolean {
  const dot = after.indexOf(".");
  const time = Number(after.slice(0, dot));
  return since > time || (since === time && actor.localeCompare(after.slice(dot + 1)) > 0);
}
