/** Retrieves the invoice that goes into the parcel, as an effect of the fulfillment machine. */
import { createHash } from "node:crypto";
import type { InvoiceDocument, RetrievalInput } from "../../../machines/types.ts";
import { EffectError, type EffectHandler } from "../../runtime/definition.ts";
import type { Documents } from "../../runtime/workers/document-store.ts";

/** Limit of one read. The caller of `ship` waits for it, 10 s by default. */
const TIMEOUT_MS = 2000;
/** Two seconds in all, longer than a replica of the store lags; longer pauses are the machine's. */
const MAX_ATTEMPTS = 5;
const BACKOFF_MS = 100;

/** The first bytes of every PDF. */
const PDF = "%PDF-";

/**
 * Handler for `retrieveInvoice` (RetrievalInput -> InvoiceDocument): reads the whole document, which must be a PDF
 * under the number that was issued. A missing or unreadable document is retried, any other document is refused. A read:
 * it can be repeated and has no effect.
 */
export function retrievalEffect(documents: Pick<Documents, "get">): EffectHandler {
  return {
    provider: "documents",
    timeoutMs: TIMEOUT_MS,
    maxAttempts: MAX_ATTEMPTS,
    backoffMs: BACKOFF_MS,
    run: async ({ input }) => {
      const { orderId, number } = input as RetrievalInput;
      const found = await documents.get(orderId);
      if (found === undefined)
        throw new EffectError("retryable", "invoice_not_found", "the store has no such invoice");
      const { bytes, metadata } = found;
      if (metadata["number"] !== number)
        throw new EffectError("refused", "invoice_differs", "the stored invoice has another number");
      if (Buffer.from(bytes.subarray(0, PDF.length)).toString("latin1") !== PDF)
        throw new EffectError("refused", "invoice_unreadable", "the stored invoice is no PDF");
      const sha256 = createHash("sha256").update(bytes).digest("base64url");
      return { number, bytes: bytes.length, sha256 } satisfies InvoiceDocument;
    },
  };
}
