/** Requests between nodes about actors, and their replies, on `cmd.<partition>`: JSON. */
import type { EventObject } from "xstate";
import { type Asked, isAsked } from "../actor/input.ts";
import type { ActorReply, UnparkOptions } from "../actors.ts";
import type { ActorDefinition } from "../definition.ts";
import { isCount, isObject, parseObject } from "../json.ts";

/** A request from one node to the owner of a partition. Times in ms. */
export type ActorRequest =
  | (Asked & {
      readonly op: "start";
      readonly actor: string;
      readonly input: object;
      readonly request?: string;
      readonly waitMs: number;
      readonly mayExist: boolean;
    })
  | (Asked & {
      /** `command-if`: with `ifVersions`; an owner that does not know it must not take it for a plain command. */
      readonly op: "command" | "command-if";
      readonly actor: string;
      readonly machine: string;
      readonly event: EventObject;
      readonly commandId: string;
      readonly ifVersions?: readonly number[];
      readonly waitMs: number;
    })
  | { readonly op: "read"; readonly actor: string }
  /**
   * An operator's: see `OperatorActions`. `resume-if` and `skip-if` have a key or a version; an owner that does not
   * know them must not take them for plain ones. `parking` of `skip-if` may be empty: the present one.
   */
  | ({ readonly op: "resume" | "resume-if"; readonly actor: string } & UnparkOptions)
  | ({ readonly op: "skip" | "skip-if"; readonly actor: string; readonly parking: string } & UnparkOptions);

/**
 * The sender reads replies with the actor's facts beside its machines' states. A node of version 0.1.0 does not say
 * so, and finds them in the states.
 */
type TakesFacts = { readonly facts?: true };

/** As it is sent. */
export function encodeRequest(request: ActorRequest): string {
  return JSON.stringify({ ...request, facts: true } satisfies TakesFacts);
}

/** `undefined` for what is no request, or one of a newer node that this one does not know. */
export function decodeRequest(payload: string): (ActorRequest & TakesFacts) | undefined {
  const request = parseObject(payload);
  return request && isRequest(request) ? (request as ActorRequest) : undefined;
}

/** A subject token, and the fields without which nothing can be begun. */
function isRequest({ op, actor, ...fields }: Readonly<Record<string, unknown>>): boolean {
  if (typeof actor !== "string" || !/^[^\s.*>]+$/.test(actor)) return false;
  switch (op) {
    case "start":
      return isObject(fields["input"]) && typeof fields["waitMs"] === "number" && isAsked(fields);
    case "command":
    case "command-if": {
      const { machine, event, commandId, ifVersions = [], waitMs } = fields;
      const conditional = op === "command" || (Array.isArray(ifVersions) && ifVersions.every(isCount));
      const named = typeof machine === "string" && typeof commandId === "string";
      return conditional && named && typeof waitMs === "number" && isObject(event) && isAsked(fields);
    }
    case "skip":
    case "skip-if":
      return typeof fields["parking"] === "string" && isUnpark(fields);
    case "resume":
    case "resume-if":
      return isUnpark(fields);
    default:
      return op === "read";
  }
}

function isUnpark(fields: Readonly<Record<string, unknown>>): boolean {
  const { commandId, ifVersions = [] } = fields;
  const versions = Array.isArray(ifVersions) && ifVersions.every(isCount);
  return versions && (commandId === undefined || typeof commandId === "string") && isAsked(fields);
}

/** The code `actor_parked` between nodes; nodes of earlier versions know no other one. */
const PARKED_ON_THE_WIRE = "order_parked";

/** A reply for a node that finds an actor's facts in the states of its machines. */
export function withMergedFacts(
  reply: ActorReply,
  { facts: rules }: Pick<ActorDefinition, "facts">,
): ActorReply {
  if (!rules || !("snapshot" in reply) || reply.snapshot.facts === undefined) return reply;
  const { facts, machines, ...snapshot } = reply.snapshot;
  return { ...reply, snapshot: { ...snapshot, machines: rules.merge(machines, facts.data) } };
}

/** A reply as JSON. */
export function encodeReply(reply: ActorReply): string {
  const isParked = reply.status === "refused" && reply.code === "actor_parked";
  return JSON.stringify(isParked ? { ...reply, code: PARKED_ON_THE_WIRE } : reply);
}

/** The reply in a payload that `encodeReply` made, in this version or an earlier one. @throws SyntaxError */
export function decodeReply(payload: string): ActorReply {
  const reply = JSON.parse(payload) as ActorReply;
  const isParked = reply.status === "refused" && reply.code === PARKED_ON_THE_WIRE;
  return isParked ? { ...reply, code: "actor_parked" } : reply;
}
