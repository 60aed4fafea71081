/** given / when / then of authorizations that lapse; part of payment.test.ts. */
import { lapsed, reach, refunding, voiding, type W } from "./payment-stage.ts";
import type { Scenarios, Then } from "./scenarios.ts";

/** The capture is in flight. */
export const capturing: Then = { to: "capturing", invokes: ["capturePayment"] };
/** The capture failed; the next try follows after `ms`. */
export const captureFailed = (ms: number): Then => ({
  to: "capture_failed",
  emits: ["payment.capture_failed"],
  delays: [ms],
});
/** The order is held after a lapse. */
export const captureLapsed: Then = { to: "capture_lapsed", emits: ["payment.expired"] };
const captured: Then = { to: "captured", emits: ["payment.captured"] };
/** The order is cancelled, and there is nothing to be voided. */
const over: Then = { to: "expired" };

const forAWeek: W[] = ["order created", "authorized for a week"];
const requested: W[] = [...forAWeek, "capture requested"];

/** States around a lapse, with the outcome of every input. */
export const lapsingGiven: Scenarios<W>["given"] = {
  "authorized for a week": {
    reach: reach("credit_card", ...forAWeek),
    outcomes: {
      "capture requested": capturing,
      "time lapsed": { to: "lapsed", emits: ["payment.expired"] },
      "order closed": voiding,
    },
  },
  "lapsed before the order was packed": {
    reach: reach("credit_card", ...forAWeek, "time lapsed"),
    outcomes: { "capture requested": capturing, "order closed": over },
  },
  "captured nevertheless, when it is packed": {
    reach: reach("credit_card", ...forAWeek, "time lapsed", "capture requested"),
    outcomes: {
      captured,
      "capture declined": captureLapsed,
      "capture lapsed": captureLapsed,
      "capture lapsed, as a failure": captureLapsed,
      "capture refused": captureLapsed,
      "capture unknown": captureFailed(1000),
      "order closed": { to: "reversing.awaiting_capture" },
    },
  },
  "being captured while the time runs out": {
    reach: reach("tokenized", ...requested, "time lapsed"),
    outcomes: {
      captured,
      "capture declined": captureLapsed,
      "capture lapsed": captureLapsed,
      "capture lapsed, as a failure": captureLapsed,
      "capture refused": captureLapsed,
      "capture unknown": captureFailed(1000),
      "order closed": { to: "reversing.awaiting_capture" },
    },
  },
  "being captured, with time left": {
    reach: reach("tokenized", ...requested),
    outcomes: {
      captured,
      "time lapsed": { to: "capturing" },
      "capture declined": captureFailed(1000),
      "capture lapsed": captureLapsed,
      "capture lapsed, as a failure": captureLapsed,
      "capture refused": captureFailed(1000),
      "capture unknown": captureFailed(1000),
      "order closed": { to: "reversing.awaiting_capture" },
    },
  },
  "a capture that was refused, with time left": {
    reach: reach("credit_card", ...requested, "capture declined"),
    outcomes: {
      "pause over": capturing,
      retry: capturing,
      "time lapsed": captureLapsed,
      "order closed": voiding,
    },
  },
  "a capture with an unknown outcome, before the lapse": {
    reach: reach("credit_card", ...requested, "capture unknown"),
    outcomes: {
      "pause over": capturing,
      retry: capturing,
      // It may have been captured: the machine repeats the capture before it holds the order.
      "time lapsed": capturing,
      "order closed": voiding,
    },
  },
  "a capture with an unknown outcome, after the lapse": {
    reach: reach("credit_card", ...requested, "capture unknown", "time lapsed", "capture unknown"),
    outcomes: { "pause over": capturing, retry: capturing, "order closed": voiding },
  },
  "packed, and lapsed": {
    reach: reach("credit_card", ...requested, "capture lapsed"),
    outcomes: { retry: capturing, "order closed": over },
  },
  "packed, and retried by an operator": {
    reach: reach("credit_card", ...requested, "capture lapsed", "retry"),
    outcomes: {
      captured,
      "capture declined": captureLapsed,
      "capture lapsed": captureLapsed,
      "capture lapsed, as a failure": captureLapsed,
      "capture refused": captureLapsed,
      // The second failure in a row.
      "capture unknown": captureFailed(2000),
      "order closed": { to: "reversing.awaiting_capture" },
    },
  },
  "captured in time": {
    reach: reach("credit_card", ...requested, "captured"),
    outcomes: { "order closed": refunding, "sent back": refunding },
  },
  "cancelled in time": {
    reach: reach("credit_card", ...forAWeek, "order closed"),
    outcomes: {
      voided: { to: "voided", emits: ["payment.voided"] },
      "nothing to void": { to: "voided" },
      "void lapsed": lapsed,
      "void refused": refunding,
      "void unknown": { to: "reversing.void_failed", delays: [1000] },
    },
  },
};
