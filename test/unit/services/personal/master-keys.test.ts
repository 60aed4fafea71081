/** The keys of the key file: which one wraps, which ones open, and files that cannot be used. */
import { randomBytes } from "node:crypto";
import t from "tap";
import {
  KeyFileInvalid,
  MasterKeyMissing,
  MasterKeys,
  withNewKey,
} from "../../../../src/services/personal/master-keys.ts";
import { KEY_BYTES, Unopenable } from "../../../../src/services/personal/sealing.ts";
import { masterKeysOf } from "../../../support/master-keys.ts";

const dataKey = randomBytes(KEY_BYTES);

t.test("a wrapped key opens under its name, with the file that has its key", async (t) => {
  const keys = masterKeysOf();
  const wrapped = keys.wrap("index", dataKey);
  t.ok(keys.unwrap("index", wrapped).equals(dataKey));
  t.equal(keys.wrapperOf(wrapped), keys.ids()[0]);
  t.throws(() => keys.unwrap("documents.2026", wrapped), Unopenable, "an entry in place of another");
  const other = masterKeysOf(withNewKey("", randomBytes));
  t.throws(() => other.unwrap("index", wrapped), MasterKeyMissing);
  t.throws(() => other.unwrap("index", "plain"), MasterKeyMissing);
});

t.test("the first key of the file wraps, and the others still open", async (t) => {
  const before = withNewKey("", randomBytes);
  const old = masterKeysOf(before);
  const wrapped = old.wrap("index", dataKey);
  const keys = masterKeysOf(`# rotated\n${withNewKey(before, randomBytes)}`);
  t.equal(keys.ids().length, 2);
  t.ok(keys.unwrap("index", wrapped).equals(dataKey));
  t.equal(keys.wrapperOf(keys.wrap("index", dataKey)), keys.ids()[0]);
  t.not(keys.ids()[0], old.ids()[0]);
});

t.test(
  "a key that another node wrapped with a newer file opens once this machine has that file",
  async (t) => {
    let text = withNewKey("", randomBytes);
    const keys = new MasterKeys(() => text, randomBytes);
    const newer = withNewKey(text, randomBytes);
    const wrapped = masterKeysOf(newer).wrap("index", dataKey);
    t.throws(() => keys.unwrap("index", wrapped), MasterKeyMissing);
    text = newer;
    t.ok(keys.unwrap("index", wrapped).equals(dataKey));
  },
);

t.test(
  "a file without keys, or with a key of another length or form, is refused without showing it",
  async (t) => {
    const good = withNewKey("", randomBytes).trim();
    for (const text of ["", "\n# nothing\n", `${good}\nshort`, `${good}${good}`, good.replaceAll("=", "")]) {
      const fault = t.throws(() => masterKeysOf(text), KeyFileInvalid) as Error;
      t.notMatch(fault.message, good);
    }
    t.match(
      t.throws(() => masterKeysOf(`${good}\nshort`)),
      { message: /^key 2 of/u },
    );
  },
);
