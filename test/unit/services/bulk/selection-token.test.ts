/** Tokens of previews: any node opens them, nothing else does. */
import t from "tap";
import { bulkLimits } from "../../../../src/services/bulk/contract.ts";
import { type Previewed, SelectionTokens } from "../../../../src/services/bulk/selection-token.ts";

const previewed: Previewed = {
  name: "n1",
  plan: { action: "cancel", reason: "closed", filter: { q: "ada@example.com" } },
  count: 7,
  known: [{ stream: 0, sequence: 12 }],
  expiresAt: 1_000,
};

t.test("a token is opened by a node with the same secret, and hides what it says", (t) => {
  const token = new SelectionTokens("secret").seal(previewed);
  t.match(token, /^[A-Za-z0-9_-]+$/u);
  t.strictSame(new SelectionTokens("secret").open(token), previewed);
  t.equal(new SelectionTokens("another").open(token), undefined);
  t.notMatch(Buffer.from(token, "base64url").toString("latin1"), /ada|cancel/u);
  t.not(new SelectionTokens("secret").seal(previewed), token);
  t.end();
});

t.test("a token that was changed anywhere, cut or made up is none", (t) => {
  const tokens = new SelectionTokens("secret");
  const bytes = Buffer.from(tokens.seal(previewed), "base64url");
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    t.equal(tokens.open(changed.toString("base64url")), undefined, `byte ${at}`);
  }
  for (const length of [0, 1, 12, 28, bytes.length - 1])
    t.equal(tokens.open(bytes.subarray(0, length).toString("base64url")), undefined, `${length} bytes`);
  t.end();
});

t.test("the token of as many ids as a plan may have fits into a body", (t) => {
  const ids = Array.from(
    { length: bulkLimits.ids },
    (_, n) => `ord_01jdkq0r9dfk8t3e4m5n6p${String(n).padStart(4, "0")}`,
  );
  const reason = "ü".repeat(500);
  const token = new SelectionTokens("secret").seal({ ...previewed, plan: { action: "cancel", reason, ids } });
  t.ok(token.length <= bulkLimits.tokenCharacters, `${token.length} characters`);
  t.end();
});
