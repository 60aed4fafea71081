/**
 * Every end of an order, in each of its ways, and the mail with which its customer hears of it. The walk goes over the
 * machines and the templates themselves: a final state without a row fails, and so does a mail about a state that the
 * order has left permanently.
 */
import t from "tap";
import { orderMachine } from "../../../../machines/order.ts";
import type { PaymentMethod } from "../../../../machines/types.ts";
import { composeMail } from "../../../../src/services/email/worker.ts";
import { completedData, openFacts } from "../../../../src/services/orders/facts.ts";
import { orderInput, outOfStock } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";
import { shipped } from "./shipped-order.ts";

const atOnce = { mode: "auto", stepDelayMs: 0 } as const;

/** The mails about an order so far: subject, then the sentence that opens it. */
function mailsOf(world: OrderWorld): { readonly subject: string; readonly opening: string }[] {
  return world.events.flatMap((event, index) => {
    const { type, ...said } = event;
    const data = completedData(world.id, said, openFacts(world.facts));
    const mail = composeMail({ id: `${world.id}.1.${index}`, type, data });
    return mail ? [{ subject: mail.subject, opening: mail.text.split("\n\n")[1] ?? "" }] : [];
  });
}

/** One way to an end. `mail`: of the last one that the customer gets; `none`: why there is no mail about the end. */
type End = {
  readonly way: string;
  readonly status: string;
  readonly walk: () => Promise<OrderWorld> | OrderWorld;
} & (
  | { readonly mail: string; readonly says: RegExp; readonly later?: string }
  | { readonly none: string; readonly last: string | undefined }
);

/** An order without its stock. `unattended`: its caller does not wait. */
function rejected(unattended: boolean): OrderWorld {
  const input = orderInput("credit_card");
  const world = new OrderWorld(unattended ? { ...input, unattended: true } : input);
  world.inventory.reservation = outOfStock;
  return world.start();
}

/** An order whose inventory answers too late for its caller. */
async function rejectedLate(): Promise<OrderWorld> {
  const world = new OrderWorld(orderInput("credit_card"), { joins: false });
  world.inventory.reservation = outOfStock;
  world.start();
  world.fail(world.effect("reserveInventory"), "retryable");
  world.elapse();
  return world.performAll();
}

/** An order whose inventory never answers. */
function silent(): OrderWorld {
  const world = new OrderWorld(orderInput("credit_card"), { joins: false }).start();
  for (let tries = 1; tries < 8; tries++) {
    world.fail(world.effect("reserveInventory"), "retryable");
    world.elapse();
  }
  world.fail(world.effect("reserveInventory"), "retryable");
  return world;
}

async function declined(method: PaymentMethod): Promise<OrderWorld> {
  const world = new OrderWorld(orderInput(method));
  world.gateway.declines = true;
  await world.start().performAll();
  if (method === "async") world.choose("decline");
  return world.performAll();
}

/** A card whose authorization is never answered. */
async function timedOut(method: PaymentMethod): Promise<OrderWorld> {
  const world = new OrderWorld(orderInput(method)).start();
  world.fail(world.effect("authorizePayment"), "unknown", "timeout");
  return world.performAll();
}

/** A page that is not paid in time. `late`: the customer pays after that. */
async function unpaidPage(late: boolean): Promise<OrderWorld> {
  const world = await new OrderWorld(orderInput("async")).start().performAll();
  while (world.view.status === "awaiting_payment") {
    world.elapse();
    await world.performAll();
  }
  if (late) world.choose("pay_late");
  return world.performAll();
}

async function cancelled(method: PaymentMethod, after: "authorizing" | "confirmed" | "invoiced") {
  const world = new OrderWorld(orderInput(method, after === "invoiced" ? atOnce : undefined)).start();
  if (after !== "authorizing") await world.performAll();
  if (after !== "authorizing" && method === "async") world.choose("pay");
  if (after === "invoiced") await world.performAll();
  world.cancel();
  return world.performAll();
}

/** A parcel that the carrier refuses, loses or brings back. */
async function sentBack(method: PaymentMethod, word: "refused" | "unclaimed" | "lost" | "returned") {
  const world = await shipped(method);
  world.carrierSays(word);
  if (word !== "lost") world.step({ type: "receive", restock: true } as never);
  return world.performAll();
}

const SHIPPED = "Order shipped";
const CANCELLED = "Order cancelled";

const ends: readonly End[] = [
  {
    way: "out of stock, and the caller waits",
    status: "rejected",
    walk: () => rejected(false),
    none: "the caller's own answer is the refusal, and no mail has promised anything",
    last: undefined,
  },
  {
    way: "out of stock, and the caller does not wait",
    status: "rejected",
    walk: () => rejected(true),
    mail: "Order not accepted",
    says: /we do not have enough of what you ordered\. Nothing is reserved for you, and nothing was charged\./u,
  },
  {
    way: "out of stock, after the inventory was away",
    status: "rejected",
    walk: rejectedLate,
    mail: "Order not accepted",
    says: /do not have enough/u,
  },
  {
    way: "the inventory never answers",
    status: "rejected",
    walk: silent,
    mail: "Order not accepted",
    says: /we could not reserve the items/u,
  },
  ...(["credit_card", "debit_card", "tokenized", "async"] as const).map(
    (method): End => ({
      way: `${method} is declined`,
      status: "payment_failed",
      walk: () => declined(method),
      mail: "Payment failed",
      says: /your order has ended\. The items are no longer reserved for you\./u,
    }),
  ),
  ...(["credit_card", "debit_card", "tokenized"] as const).map(
    (method): End => ({
      way: `${method} is not answered`,
      status: "payment_expired",
      walk: () => timedOut(method),
      mail: "Payment expired",
      says: /your order has ended\. The items are no longer reserved for you\./u,
    }),
  ),
  {
    way: "a page is not paid in time",
    status: "payment_expired",
    walk: () => unpaidPage(false),
    mail: "Payment expired",
    says: /did not reach us in time/u,
  },
  {
    way: "a page is paid after its time",
    status: "payment_expired",
    walk: () => unpaidPage(true),
    mail: "Payment expired",
    says: /did not reach us in time/u,
    later: "Payment refunded",
  },
  ...(["cash_on_delivery", "in_person", "credit_card", "debit_card", "tokenized", "async"] as const).flatMap(
    (method) =>
      (["confirmed", "invoiced"] as const).map(
        (after): End => ({
          way: `${method} is cancelled when it is ${after}`,
          status: "cancelled",
          walk: () => cancelled(method, after),
          mail: CANCELLED,
          says: /your order is cancelled \(changed my mind\)\. Anything you have paid is given back\./u,
          ...((method === "debit_card" ||
            method === "async" ||
            (after === "invoiced" && (method === "credit_card" || method === "tokenized"))) && {
            later: "Payment refunded",
          }),
        }),
      ),
  ),
  {
    way: "a card is cancelled while it is authorized",
    status: "cancelled",
    walk: () => cancelled("credit_card", "authorizing"),
    mail: CANCELLED,
    says: /is cancelled/u,
  },
  {
    way: "a page is cancelled before it is paid",
    status: "cancelled",
    walk: () => cancelled("async", "authorizing"),
    mail: CANCELLED,
    says: /is cancelled/u,
  },
  ...(["cash_on_delivery", "credit_card", "debit_card", "async"] as const).flatMap((method) =>
    (
      [
        [
          "refused",
          /was not accepted at the door\. Your order has ended\. Anything you have paid is given back\./u,
        ],
        ["unclaimed", /was not collected in time\. Your order has ended\./u],
        ["lost", /the carrier has lost the parcel with your order\. Your order has ended\./u],
        ["returned", /could not be delivered\. Your order has ended\./u],
      ] as const
    ).map(
      ([word, says]): End => ({
        way: `${method}, and the parcel is ${word}`,
        status: "returned",
        walk: () => sentBack(method, word),
        mail: "Order returned",
        says,
        ...(method !== "cash_on_delivery" && { later: "Payment refunded" }),
      }),
    ),
  ),
  ...(["cash_on_delivery", "credit_card", "debit_card", "async"] as const).map(
    (method): End => ({
      way: `${method} is completed`,
      status: "completed",
      walk: () => new OrderWorld(orderInput(method, atOnce)).start().settle(),
      none: "the customer has the parcel; the mail before says that it is in transit",
      last: SHIPPED,
    }),
  ),
];

for (const end of ends) {
  t.test(
    `${end.status}, ${end.way}: ${"mail" in end ? end.mail : `no mail, because ${end.none}`}`,
    async (t) => {
      const world = await end.walk();
      t.equal(world.view.status, end.status);
      const mails = mailsOf(world);
      if ("mail" in end) {
        const about = mails.filter(({ subject }) => subject === end.mail);
        t.equal(about.length, 1, "one mail about the end");
        t.match(about[0]?.opening, end.says);
        const after = mails.slice(mails.findIndex(({ subject }) => subject === end.mail) + 1);
        t.strictSame(
          after.map(({ subject }) => subject),
          end.later === undefined ? [] : [end.later],
          "nothing after it but what is given back",
        );
      } else {
        t.equal(mails.at(-1)?.subject, end.last);
      }
    },
  );
}

t.test("every final state of the order machine has its ends in this walk", async (t) => {
  const final = Object.entries(orderMachine.states).flatMap(([name, { type }]) =>
    type === "final" ? [name] : [],
  );
  t.strictSame([...new Set(ends.map(({ status }) => status))].toSorted(), final.toSorted());
});

t.test("the first mail promises no wait for money that is due at the door", async (t) => {
  for (const [method, says] of [
    ["cash_on_delivery", /You pay when you receive them\./u],
    ["in_person", /You pay when you receive them\./u],
    ["debit_card", /wait for the payment\./u],
  ] as const) {
    const [created] = mailsOf(new OrderWorld(orderInput(method)).start());
    t.match(created, { subject: "Order created and awaiting payment", opening: says }, method);
  }
});
