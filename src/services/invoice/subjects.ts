/** Names of the stores that the invoice worker writes. They are formats: stored invoices depend on them. */

/** Object store of the documents in PDF, by order id. */
export const INVOICE_STORE = "INVOICES";

/** KV bucket of the invoice numbers: the counter of each year and the number of each order. */
export const INVOICE_NUMBERS = "INVOICES_NUMBERS";
