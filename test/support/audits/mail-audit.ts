/** Compares the mails in a cluster's mailbox with the outcomes of its orders. */
import type { Test } from "tap";
import type { LoadedOrder } from "../load/order-load.ts";
import { waitUntil } from "../wait-until.ts";

type Mail = { readonly subject: string; readonly text: string; readonly messageId: string };

const ALWAYS = ["Order created and awaiting payment"];
const CONFIRMED = [...ALWAYS, "Order confirmed", "Order shipped"];

/** Fails unless every mail of every ended order is there, and repeated mails share their Message-ID. */
export async function checkMails(t: Test, mailboxUrl: string, orders: readonly LoadedOrder[]): Promise<void> {
  const wanted = orders.flatMap(({ id, outcome }) =>
    (outcome === "confirmed" ? CONFIRMED : outcome === "payment_failed" ? ALWAYS : []).map(
      (subject) => `${id} ${subject}`,
    ),
  );
  const found = new Map<string, Set<string>>();
  let count = 0;
  await waitUntil(
    "the mailbox has every mail",
    async () => {
      found.clear();
      const all = (await (await fetch(`${mailboxUrl}/messages`)).json()) as readonly Mail[];
      count = all.length;
      for (const { subject, text, messageId } of all) {
        const key = `${/^Order (ord_\S+)$/mu.exec(text)?.[1]} ${subject}`;
        found.set(key, (found.get(key) ?? new Set()).add(messageId));
      }
      return wanted.every((mail) => found.has(mail));
    },
    { timeoutMs: 60_000, intervalMs: 500 },
  ).catch((error: unknown) => t.comment(String(error)));
  t.ok(wanted.length > orders.length, `${wanted.length} mails are due`);
  t.same(
    wanted.filter((mail) => !found.has(mail)),
    [],
    "every mail is there",
  );
  t.same(
    [...found].filter(([, ids]) => ids.size !== 1),
    [],
    "a repeated mail has the same Message-ID",
  );
  t.equal(
    new Set([...found.values()].flatMap((ids) => [...ids])).size,
    found.size,
    "different mails have different Message-IDs",
  );
  t.comment(`${count} mails came, ${found.size} different ones`);
}
