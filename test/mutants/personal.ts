import type { Mutant } from "./mutant.ts";

const at = (name: string) => ({
  file: `src/services/personal/${name}.ts`,
  tests: [`test/unit/services/personal/${name}.test.ts`],
});
const form = { ...at("sealed-form"), tests: at("sealed-documents").tests };
const entries = { ...at("key-entries"), tests: at("shared-keys").tests };

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
];
