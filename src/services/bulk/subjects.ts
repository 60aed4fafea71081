/** The names under which bulk operations are stored and served. They are formats. */
import { type Subjects, subjectsOf } from "../../runtime/subjects.ts";

/** Subjects, buckets and streams of the bulk operations: an application of its own beside the orders. */
export const bulkSubjects: Subjects = subjectsOf({ prefix: "bulk", bucket: "BULK", source: "/orderly/bulk" });

/** One: its owner sends the commands of all operations, so that their rate is bounded for the whole cluster. */
export const BULK_PARTITIONS = 1;

/** KV bucket of the lists of orders, of their outcomes, and of the tokens that were used. */
export const BULK_ITEMS = "BULK_ITEMS";
/** Its entries are deleted after this time, ms. */
export const BULK_ITEMS_AGE_MS = 30 * 24 * 3_600_000;
