/**
 * What a node asks the owner of a partition for an outcome that is not to be, on `cmd.<partition>`: JSON. A node of
 * version 0.1.0 does not know the request, and answers `unavailable`.
 */
import type { PredictedInput } from "../actor/dry-run.ts";
import type { DryRunOptions, DryRunReply } from "../actors.ts";
import { isObject, parseObject } from "../json.ts";

const OP = "dry-run";
/** How each request begins: the others, which are many, are parsed once. */
const BEGIN = `{"op":"${OP}",`;

/** A request for a dry run. */
export type DryRunRequest = DryRunOptions & { readonly actor: string; readonly input: PredictedInput };

/** The request, as it is sent. */
export function encodeDryRun(request: DryRunRequest): string {
  return JSON.stringify({ op: OP, ...request });
}

/** The request in a payload; `undefined` for another one. */
export function decodeDryRun(payload: string): DryRunRequest | undefined {
  if (!payload.startsWith(BEGIN)) return undefined;
  const { actor, input, outputs = {} } = parseObject(payload) ?? {};
  const isRequest =
    typeof actor === "string" &&
    /^[^\s.*>]+$/.test(actor) &&
    isObject(outputs) &&
    isObject(input) &&
    isInput(input);
  return isRequest ? { actor, input: input as PredictedInput, outputs } : undefined;
}

const isText = (one: unknown): boolean => one === undefined || typeof one === "string";

function isInput(given: Readonly<Record<string, unknown>>): boolean {
  const { kind, commandId, event, input, machine, mayExist, request } = given;
  if (kind === "start") return isObject(input) && typeof mayExist === "boolean" && isText(request);
  return kind === "command" && typeof machine === "string" && isObject(event) && isText(commandId);
}

/** The reply in the answer of an owner. @throws SyntaxError */
export function decodeDryRunReply(payload: string): DryRunReply {
  return JSON.parse(payload) as DryRunReply;
}
