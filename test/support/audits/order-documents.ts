/** Checks the documents that a customer gets: mails and the invoice. */
import type { Test } from "tap";
import type { OrderView } from "../../../src/services/orders/contract.ts";
import { mails, read } from "../clients/order-client.ts";
import type { LoadedOrder } from "../load/order-load.ts";
import { waitUntil } from "../wait-until.ts";

const MAIL_TIMEOUT_MS = 15_000;
/** Another node sends a killed node's mail again once the lock on its event has ended. */
const LATE_MAIL_TIMEOUT_MS = 60_000;
const CONFIRMED = ["Order created and awaiting payment", "Order confirmed", "Order shipped"];

/**
 * Waits for the mails of a customer, and fails unless they are exactly these, each once.
 * @param subjects in any order: mails of different events may overtake each other
 */
export async function checkMails(
  t: Test,
  mailboxUrl: string,
  to: string,
  subjects: readonly string[],
): Promise<void> {
  const received = async () =>
    (await mails(mailboxUrl)).filter((mail) => mail.to === to).map(({ subject }) => subject);
  await waitUntil(
    `${to} has ${subjects.length} mails`,
    async () => (await received()).length >= subjects.length,
    { timeoutMs: MAIL_TIMEOUT_MS, intervalMs: 50 },
  );
  t.strictSame((await received()).toSorted(), subjects.toSorted(), `mails of ${to}`);
}

/** Fetches the invoice that the order names, and fails unless it is a PDF. */
export async function checkPdf(t: Test, url: string, { id, invoice }: OrderView): Promise<void> {
  t.match(invoice, { number: /^\d{4}-\d{6,}$/u, issuedAt: /^\d{4}-.*Z$/u, url: `/v1/orders/${id}/invoice` });
  const response = await fetch(`${url}/v1/orders/${id}/invoice`);
  t.equal(response.status, 200);
  t.equal(response.headers.get("content-type"), "application/pdf");
  const pdf = Buffer.from(await response.arrayBuffer());
  t.match(pdf.subarray(0, 5).toString(), "%PDF-");
  t.match(pdf.subarray(-32).toString(), "%%EOF");
}

/**
 * Waits until every confirmed order's customer has all mails, whatever was killed meanwhile. A mail may come twice
 * then; a comment names how many did.
 * @param orders less than 300, since the mailbox keeps 1000 mails
 */
export async function checkEveryMail(
  t: Test,
  mailboxUrl: string,
  orders: readonly LoadedOrder[],
): Promise<void> {
  const wanted = orders
    .filter(({ outcome }) => outcome === "confirmed")
    .flatMap(({ id }) => CONFIRMED.map((subject) => `${subject}: ${id}`));
  const extra = await waitUntil(
    "all customers have all mails",
    async () => {
      const all = (await mails(mailboxUrl)).map(
        ({ subject, text }) => `${subject}: ${/^Order (ord_\S+)$/mu.exec(text)?.[1] ?? ""}`,
      );
      const received = new Set(all);
      const missing = wanted.filter((mail) => !received.has(mail));
      if (missing.length > 0)
        throw new Error(`${missing.length} are missing: ${missing.slice(0, 5).join(", ")}`);
      return { count: all.length - received.size };
    },
    { timeoutMs: LATE_MAIL_TIMEOUT_MS, intervalMs: 250 },
  );
  t.pass(`${wanted.length} mails are there`);
  t.comment(`${extra.count} mails came more than once`);
}

/** Fails unless the completed orders have the numbers 1, 2, 3 ..., each once. @param orders all of the cluster */
export async function checkInvoiceNumbers(
  t: Test,
  url: string,
  orders: readonly LoadedOrder[],
): Promise<void> {
  const numbers: number[] = [];
  for (const { id, outcome } of orders) {
    if (outcome !== "confirmed") continue;
    const { body } = await read(url, id);
    numbers.push(Number(body.invoice?.number.split("-")[1]));
  }
  numbers.sort((a, b) => a - b);
  const row = numbers.map((_, index) => index + 1);
  t.strictSame(numbers, row, `${numbers.length} invoices have the numbers 1 to ${numbers.length}, each once`);
}
