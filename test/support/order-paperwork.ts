/** What a customer gets on paper: mails and the invoice. */
import type { Test } from "tap";
import type { OrderView } from "../../src/services/orders/contract.ts";
import { mails } from "./order-client.ts";
import { waitUntil } from "./wait-until.ts";

const MAIL_TIMEOUT_MS = 15_000;

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

/** Fetches the invoice that the order tells of, and fails unless it is a PDF. */
export async function checkPdf(t: Test, url: string, { id, invoice }: OrderView): Promise<void> {
  t.match(invoice, { number: /^\d{4}-\d{6,}$/u, issuedAt: /^\d{4}-.*Z$/u, url: `/v1/orders/${id}/invoice` });
  const response = await fetch(`${url}/v1/orders/${id}/invoice`);
  t.equal(response.status, 200);
  t.equal(response.headers.get("content-type"), "application/pdf");
  const pdf = Buffer.from(await response.arrayBuffer());
  t.match(pdf.subarray(0, 5).toString(), "%PDF-");
  t.match(pdf.subarray(-32).toString(), "%%EOF");
}
