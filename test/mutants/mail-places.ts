import type { Mutant } from "./mutant.ts";

const places = {
  file: "src/services/email/mail-places.ts",
  tests: ["test/unit/services/mail-places.test.ts"],
};

/** Mails that wait for a place among those that are sent. */
export const mailPlacesMutants: readonly Mutant[] = [
  {
    id: "workers-mail-place-lost",
    does: "The place of a mail that failed is not free again.",
    ...places,
    find: `    try {
      signal?.throwIfAborted();
      await send();
    } finally {`,
    replace: `    signal?.throwIfAborted();
    await send();
    {`,
  },
  {
    id: "workers-mail-sent-after-abort",
    does: "A mail that waits is sent although its attempt was aborted.",
    ...places,
    find: 'signal?.addEventListener("abort", abort, { once: true });',
    replace: "",
  },
  {
    id: "workers-mail-waits-for-ever",
    does: "A mail that has found no place in time takes one later.",
    ...places,
    find: "        this.waiting.delete(go);\n",
    replace: "",
  },
  {
    id: "workers-mail-places-unlimited",
    does: "A mail without a place is sent at once.",
    ...places,
    find: "if (this.free > 0) {",
    replace: "if (this.free > -99) {",
  },
];
