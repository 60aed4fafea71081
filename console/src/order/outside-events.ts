/** Mails and parcels of an order as entries of its timeline. Pure. */

/** A mail in the mailbox. */
export type Mail = {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly at: string;
};
/** A parcel of the carrier. */
export type Parcel = {
  readonly orderId: string;
  readonly trackingNumber: string;
  readonly status: string;
  readonly labelledAt: string;
  readonly handedOverAt: string | null;
  readonly deliveredAt: string | null;
  readonly failedAt: string | null;
};

/** Something that happened outside of the order's machines. */
export type Outside = { readonly at: string; readonly kind: "mail" | "parcel"; readonly text: string };

/** The events of mails and parcels that are about an order, oldest first. */
export function outsideOf(
  id: string,
  mails: readonly Mail[],
  parcels: readonly Parcel[],
): readonly Outside[] {
  const sent = mails
    .filter(({ subject, text }) => `${subject} ${text}`.includes(id))
    .map(({ at, subject }): Outside => ({ at, kind: "mail", text: `mail “${subject}” arrived` }));
  const moved = parcels
    .filter(({ orderId }) => orderId === id)
    .flatMap(({ deliveredAt, failedAt, handedOverAt, labelledAt, status, trackingNumber }): Outside[] =>
      (
        [
          [labelledAt, "has a label"],
          [handedOverAt, "is with the carrier"],
          [deliveredAt, "is delivered"],
          [failedAt, `is ${status}`],
        ] as const
      ).flatMap(([at, says]) =>
        at === null ? [] : [{ at, kind: "parcel" as const, text: `parcel ${trackingNumber} ${says}` }],
      ),
    );
  return [...sent, ...moved].toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
