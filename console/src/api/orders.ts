/** Orders are placed and moved through these. */
import { send } from "./client.ts";
import type { DryRun, Order, PlaceOrder } from "./types.ts";

/** Places an order. @param key the same key and order place it once @throws ApiProblem */
export async function placeOrder(body: PlaceOrder, key: string): Promise<Order> {
  const headers = { "idempotency-key": key };
  return (await send<Order>("/v1/orders", { method: "POST", body, headers })).body;
}

/** What the placing of an order would do. @throws ApiProblem */
export const dryPlace = (body: PlaceOrder): Promise<DryRun> =>
  send<DryRun>("/v1/orders", { method: "POST", body, query: { dryRun: true } }).then((answer) => answer.body);

/** What a command takes besides its body. */
export type CommandOptions = {
  readonly body?: Readonly<Record<string, unknown>>;
  /** The version that the user has seen: another one is refused with `version_changed`. */
  readonly version?: number;
  /** A repetition with the same key does nothing twice. */
  readonly key?: string;
};

/** Address of a command. The steps of the warehouse have a folder of their own. */
export function commandPath(id: string, command: string): string {
  const steps = ["pick", "quality-check", "pack", "ship", "deliver"];
  return `/v1/orders/${id}/${steps.includes(command) ? "fulfillment/" : ""}${command}`;
}

/** Sends a command to an order. @throws ApiProblem */
export async function command(id: string, name: string, options: CommandOptions = {}): Promise<Order> {
  const { body = {}, key, version } = options;
  const headers = {
    ...(version === undefined ? {} : { "if-match": `"${version}"` }),
    ...(key === undefined ? {} : { "idempotency-key": key }),
  };
  return (await send<Order>(commandPath(id, name), { method: "POST", body, headers })).body;
}

/** What a command would do. @throws ApiProblem */
export async function dryCommand(id: string, name: string, body: object = {}): Promise<DryRun> {
  const query = { dryRun: true };
  return (await send<DryRun>(commandPath(id, name), { method: "POST", body, query })).body;
}
