/**
 * Card numbers are refused wherever a request has one, before anything is logged, sent on or stored: an order is kept
 * for ever, and a system that stores card numbers is subject to PCI DSS. Cards are paid with tokens.
 */
import type { FastifyInstance } from "fastify";
import cardValidator from "card-validator";
import { sendProblem } from "./problem-answers.ts";

/**
 * Shorter numbers are no cards that are issued today, and with 13 digits and a valid check digit every tenth article
 * number (EAN-13) would be one.
 */
const MIN_DIGITS = 14;
const MAX_DIGITS = 19;
/** Groups of three digits or more, with up to three characters between them that are neither digits nor of a word. */
const RUN = /\d{3,}(?:[^\p{L}\p{N}]{1,3}\d{3,})*/gu;

/**
 * Whether the text has a number that a card can have: 14 to 19 digits of a known brand with a valid check digit (Luhn),
 * with or without separators. It may begin and end at any separator, but only there.
 */
export function hasCardNumber(text: string): boolean {
  if (text.length < MIN_DIGITS) return false;
  for (const [run] of text.normalize("NFKC").matchAll(RUN)) if (runHasCardNumber(run)) return true;
  return false;
}

/** Tries the digits between any two separators: a check value may follow the number. About 10 us a try. */
function runHasCardNumber(run: string): boolean {
  const groups = run.split(/\D+/u);
  for (let first = 0; first < groups.length; first++) {
    let digits = "";
    for (let last = first; last < groups.length && digits.length < MAX_DIGITS; last++) {
      digits += groups[last];
      if (digits.length >= MIN_DIGITS && digits.length <= MAX_DIGITS && cardValidator.number(digits).isValid)
        return true;
    }
  }
  return false;
}

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
