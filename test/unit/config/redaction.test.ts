/** What may not be shown is hidden, wherever it is in a text, and the rest of the text stays. */
import t from "tap";
import { hideAddresses, hideCredentials } from "../../../config/redaction.ts";

t.test("users, passwords and tokens of addresses are hidden", async (t) => {
  for (const [text, shown] of [
    ["nats://me:hunter2@host:4222", "nats://[hidden]@host:4222"],
    ["nats://token@host", "nats://[hidden]@host"],
    ["nats://a:x@one,nats://b:y@two", "nats://[hidden]@one,nats://[hidden]@two"],
    ["nats://a:x@one, nats://two", "nats://[hidden]@one, nats://two"],
    ["smtp://me:p@ss/w,rd@mail.example.com:25 is away", "smtp://[hidden]@mail.example.com:25 is away"],
    ["nats://host:4222", "nats://host:4222"],
    ["no address at all", "no address at all"],
  ] as const)
    t.equal(hideCredentials(text), shown);
});

t.test("e-mail addresses are hidden", async (t) => {
  for (const [text, shown] of [
    ["550 <leak7@example.com> user unknown", "550 [address] user unknown"],
    ["550 5.1.1 leak+7@mail.example.com: unknown", "550 5.1.1 [address] unknown"],
    ['"a b"@example.com, c@example.org', "[address], [address]"],
    ["rejected (ådа@exämple.com)", "rejected ([address])"],
    ["connect ECONNREFUSED 127.0.0.1:25", "connect ECONNREFUSED 127.0.0.1:25"],
  ] as const)
    t.equal(hideAddresses(text), shown);
});
