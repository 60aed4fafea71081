/** What nodes say to each other about actors, on `cmd.<partition>`: JSON. */
import type { EventObject } from "xstate";
import type { ActorReply } from "./actors.ts";

export type ActorRequest =
  | {
      readonly op: "start";
      readonly actor: string;
      readonly input: object;
      readonly request?: string;
      readonly waitMs: number;
      readonly mayExist: boolean;
    }
  | {
      readonly op: "command";
      readonly actor: string;
      readonly machine: string;
      readonly event: EventObject;
      readonly commandId: string;
      readonly waitMs: number;
    }
  | { readonly op: "read"; readonly actor: string }
  /** An operator's: see Unparking. */
  | { readonly op: "resume"; readonly actor: string }
  | { readonly op: "skip"; readonly actor: string; readonly parking: string };

export function encodeRequest(request: ActorRequest): string {
  return JSON.stringify(request);
}

export function decodeRequest(payload: string): ActorRequest {
  return JSON.parse(payload) as ActorRequest;
}

export function encodeReply(reply: ActorReply): string {
  return JSON.stringify(reply);
}

export function decodeReply(payload: string): ActorReply {
  return JSON.parse(payload) as ActorReply;
}
