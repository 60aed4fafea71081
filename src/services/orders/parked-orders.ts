/** Parked orders, for operators: lists and resumes them, and skips inputs. Owns nothing. Outcomes are values. */
import type { ActorReply, ParkedActors } from "../../runtime/actors.ts";
import type { Parking } from "../../runtime/actor/parking-record.ts";
import { Unavailable } from "../../runtime/ports.ts";
import { unavailable, unavailableReply, type UnavailableResult } from "../unavailable.ts";
import type { ParkedOrder, ParkedOrders, UnparkResult } from "./contract.ts";
import { orderView } from "./view.ts";

/** See {@link ParkedOrders}. */
export class ParkedOrderService implements ParkedOrders {
  private readonly parked: ParkedActors;

  constructor(parked: ParkedActors) {
    this.parked = parked;
  }

  async list({ limit, after }: Parameters<ParkedOrders["list"]>[0]): ReturnType<ParkedOrders["list"]> {
    try {
      const parkings = await this.parked.list();
      const rest = after === undefined ? parkings : parkings.filter((parking) => isAfter(parking, after));
      const page = rest.slice(0, limit);
      const last = page.at(-1);
      return {
        status: "found",
        items: page.map(parkedOrder),
        next: last && rest.length > limit ? keyOf(last) : null,
      };
    } catch (error) {
      return orUnavailable(error);
    }
  }

  async resume(id: string): Promise<UnparkResult> {
    return result(id, await this.parked.resume(id));
  }

  async skip(id: string, parkingId?: string): Promise<UnparkResult> {
    try {
      // Without a parking the runtime still distinguishes a missing order from one that is not parked.
      const parking = parkingId ?? (await this.parked.find(id))?.id ?? "";
      return result(id, await this.parked.skip(id, parking));
    } catch (error) {
      return orUnavailable(error);
    }
  }
}

function result(id: string, reply: ActorReply): UnparkResult {
  if (reply.status === "ok") return { status: "done", order: orderView(id, reply.snapshot) };
  if (reply.status === "not_found") return { status: "not_found" };
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
const keyOf = ({ since, actor }: Parking): string => `${since}.${actor}`;

function isAfter({ since, actor }: Parking, after: string): boolean {
  const dot = after.indexOf(".");
  const time = Number(after.slice(0, dot));
  return since > time || (since === time && actor.localeCompare(after.slice(dot + 1)) > 0);
}

function orUnavailable(error: unknown): UnavailableResult {
  if (error instanceof Unavailable) return unavailable(error.message);
  throw error;
}
