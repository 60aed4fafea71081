/** Names of the buckets of keys. They are formats: what is sealed depends on their entries. */

/** KV bucket of the wrapped keys: `index`, `documents.<year>` and `customer.<hash>`. */
export const PERSONAL_KEYS = "PERSONAL_KEYS";

/** KV bucket of the wrapped keys of card tokens: `slot.<number>`. Its entries end with its age. */
export const PAYMENT_KEYS = "PAYMENT_KEYS";

/** Entry of the key of a slot of time. */
export const slotEntry = (slot: number): string => `slot.${slot}`;

/** Entry of the key under which customers' ids are hashed. */
export const INDEX_ENTRY = "index";

/** Entry of the key that wraps the keys of a year's documents. */
export const documentsEntry = (year: string): string => `documents.${year}`;

/** Entry of a customer's data keys. @param hash of the customer's id (customer-hash.ts) */
export const customerEntry = (hash: string): string => `customer.${hash}`;

/** Whether an entry is a customer's. */
export const isCustomerEntryName = (name: string): boolean => name.startsWith("customer.");
