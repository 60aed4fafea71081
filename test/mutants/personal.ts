import type { Mutant } from "./mutant.ts";

const at = (name: string) => ({
  file: `src/services/personal/${name}.ts`,
  tests: [`test/unit/services/personal/${name}.test.ts`],
});
const form = { ...at("sealed-form"), tests: at("sealed-documents").tests };
const entries = { ...at("key-entries"), tests: at("shared-keys").tests };

const sealing = { tests: ["test/unit/services/orders/sealing.test.ts"] };
const customers = { ...at("customer-keys"), tests: at("personal-data").tests };

/** Sealed data: what opens, with which key, and what is never overwritten. */
export const personalMutants: readonly Mutant[] = [
  {
    id: "personal-sealed-for-anything",
    does: "A sealed value opens in place of another one.",
    ...at("sealing"),
    find: "  cipher.setAAD(Buffer.from(associated));\n  return Buffer.concat([nonce",
    replace: "  cipher.setAAD(Buffer.from(associated.slice(0, 0)));\n  return Buffer.concat([nonce",
  },
  {
    id: "personal-wrapped-by-the-oldest",
    does: "After a rotation keys are still wrapped by the old key.",
    ...at("master-keys"),
    find: "const newest = this.keys[0] as MasterKey;",
    replace: "const newest = this.keys.at(-1) as MasterKey;",
  },
  {
    id: "personal-key-file-read-once",
    does: "A node that runs never learns of a new key in its file.",
    ...at("master-keys"),
    find: "    this.keys = keysIn(this.readFile());\n    const later",
    replace: "    const later",
  },
  {
    id: "personal-forgotten-key-comes-back",
    does: "A key that is stored while its customer is erased goes on sealing.",
    ...customers,
    find: "    this.keep(hash, store());",
    replace: "    const read = store();\n    void read.then(() => this.keep(hash, read));",
  },
  {
    id: "personal-refused-key-seals",
    does: "A new customer's order is sealed with a key that another node's has replaced.",
    ...customers,
    find: "return stored === undefined ? await entries.customer(name) : {",
    replace: "return stored === -1 ? await entries.customer(name) : {",
  },
  {
    id: "personal-unanswered-is-stored",
    does: "Data is sealed with a key that may not be stored.",
    ...entries,
    find: 'if (result.status === "unanswered") throw',
    replace: 'if (result.status === "unanswered" && name === "") throw',
  },
  {
    id: "personal-damaged-is-none",
    does: "An entry that cannot be read is replaced by a new key.",
    ...entries,
    find: "    if (value === undefined || !is(value))\n",
    replace:
      "    if (value === undefined) return { entry: undefined, revision: found.revision };\n    if (!is(value))\n",
  },
  {
    id: "personal-sealed-too-early",
    does: "Documents are sealed while a node cannot open them.",
    ...form,
    find: 'typeof opened === "number" && opened >= form',
    replace: "opened === undefined || Number(opened) >= form",
  },
  {
    id: "personal-plain-is-damaged",
    does: "Documents of earlier versions cannot be read.",
    ...at("sealed-documents"),
    find: "if (wrapped === undefined) return stored;",
    replace: "if (wrapped === undefined) throw new Unopenable(name);",
  },
  {
    id: "personal-key-leaves-the-store",
    does: "A document that is read names its wrapped key.",
    ...at("sealed-documents"),
    find: "return { bytes: openBytes(key, stored.bytes, name), metadata };",
    replace: "return { bytes: openBytes(key, stored.bytes, name), metadata: stored.metadata };",
  },
  {
    id: "personal-rewrap-stops-at-damage",
    does: "One entry that cannot be read keeps all others from being rewrapped.",
    ...at("rewrap"),
    find: "if (error instanceof KeyEntryUnreadable || isOfKey(error)) return",
    replace: "if (isOfKey(error)) return",
  },
  {
    id: "personal-cache-for-ever",
    does: "A process opens data whose key was deleted.",
    ...customers,
    find: "if (known && clock.monotonic() - known.at <= CACHE_MS) return known;",
    replace: "if (known) return known;",
  },
  {
    id: "personal-number-used-again",
    does: "After an erasure of all keys the next one has a number that was used before.",
    ...at("erasure"),
    file: "src/services/personal/customer-keys.ts",
    find: "(before.at(-1)?.number ?? 0) + 1",
    replace: "before.length + 1",
  },
  {
    id: "personal-lost-is-erased",
    does: "Data of a lost entry reads erased.",
    ...customers,
    find: "    if (entry === undefined) {\n      this.forget(hash);\n",
    replace: '    if (entry === undefined) {\n      if (hash !== "") return undefined;\n',
  },
  {
    id: "personal-not-in-flight",
    does: "An erasure does not wait for the calls under way.",
    ...at("personal-data"),
    find: "await Promise.all(before);",
    replace: "await Promise.all(before.slice(before.length));",
  },
  {
    id: "personal-unknown-is-over",
    does: "An erasure does not wait for a call that has no answer.",
    ...at("personal-data"),
    find: "if (isOver) end();",
    replace: "if (isOver || !isOver) end();",
  },
  {
    id: "personal-erased-while-open",
    does: "The data of an open order is erased.",
    ...at("erasure"),
    find: "if (open.length > 0) {",
    replace: "if (open.length > 1) {",
  },
  {
    id: "personal-erases-new-orders",
    does: "An order that is placed while an erasure runs is erased.",
    ...at("erasure"),
    find: "const generations = entry.generations.filter(({ number }) => number > begun.upTo);",
    replace: "const generations = entry.generations.filter(({ number }) => number > begun.upTo + 1);",
  },
  {
    id: "personal-abandoned-goes-on",
    does: "A request of long ago is continued: what was placed since stays.",
    ...at("erasure"),
    find: "Date.parse(erasing.begunAt) < ABANDONED_MS",
    replace: "Date.parse(erasing.begunAt) < Number.POSITIVE_INFINITY",
  },
  {
    id: "personal-unconfirmed-is-drained",
    does: "Keys are deleted although a node may still seal with them.",
    ...at("erasure"),
    find: "    if (!(await drained(hash)))\n      return",
    replace: "    if ((await drained(hash)) === undefined)\n      return",
  },
  {
    id: "personal-token-opens-later",
    does: "A card token opens after its time.",
    ...at("payment-tokens"),
    find: "if (this.clock.now() > slot * SLOT_MS + KEY_LIFE_MS) return undefined;",
    replace: "if (slot < 0) return undefined;",
  },
  {
    id: "personal-plain-start",
    does: "The start of an order carries the person's data beside the sealed one.",
    ...sealing,
    file: "src/services/orders/orders.ts",
    find: "const one: OrderInput = { ...plain, payment,",
    replace: "const one: OrderInput = { ...input, ...plain, payment,",
  },
  {
    id: "personal-sealed-before-all-open",
    does: "An order is sealed while a node cannot open it.",
    ...sealing,
    file: "src/services/orders/orders.ts",
    find: "if (input.wide || !seals?.areOpenedByAll()) return",
    replace: "if (input.wide || !seals) return",
  },
  {
    id: "personal-erased-shows-own",
    does: "A repeated request shows what it was sent, although the order's data is erased.",
    ...sealing,
    file: "src/services/orders/personal.ts",
    find: "if (own !== undefined && facts.personal === own.text) return own;",
    replace: "if (own !== undefined) return own;",
  },
];
