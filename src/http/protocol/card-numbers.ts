/**
 * Card numbers are refused wherever a request has one, before anything is logged, sent on or stored: an order is kept
 * for ever, and a system that stores card numbers is subject to PCI DSS. Cards are paid with tokens.
 */
import type { FastifyInstance } from "fastify";
import { hasCardNumber } from "../../../config/card-numbers.ts";
import { sendProblem } from "./problem-answers.ts";

/** The JSON pointer to the first text or name with a card number; undefined without one. Depth is that of the body. */
export function cardNumberIn(value: unknown, pointer = ""): string | undefined {
  if (typeof value === "string") return hasCardNumber(value) ? pointer : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, part] of Object.entries(value)) {
    // The pointer must not repeat the number.
    if (hasCardNumber(name)) return pointer;
    const found = cardNumberIn(part, `${pointer}/${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Answers 400 `card_number` to a valid request with a card number in its body, or in a path that names what is written.
 * A request that is not valid is refused as such; its schema bounds what is searched here.
 * Signed messages of other systems are bytes here, and are not searched: tracking numbers look like card numbers.
 */
export function refuseCardNumbers(app: FastifyInstance): void {
  app.addHook("preHandler", (request, reply, done) => {
    const { body, method, params, validationError } = request;
    if (validationError) {
      done();
      return;
    }
    const inBody = Buffer.isBuffer(body) ? undefined : cardNumberIn(body);
    const found = inBody ?? (method === "GET" ? undefined : cardNumberIn(params));
    if (found === undefined) {
      done();
      return;
    }
    sendProblem(reply, "card_number", {
      errors: [{ pointer: found, code: "not_allowed", message: "has a card number" }],
    });
  });
}
