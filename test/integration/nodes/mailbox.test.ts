import { connect } from "node:net";
import { createTransport } from "nodemailer";
import t, { type Test } from "tap";
import { createMailboxApp } from "../../../nodes/mailbox/app.ts";
import { ReceivedMessages } from "../../../nodes/mailbox/messages.ts";
import { listenSmtp } from "../../../nodes/mailbox/smtp.ts";
import { waitUntil } from "../../support/wait-until.ts";

const noon = Date.UTC(2026, 0, 1, 12);

async function startMailbox(t: Test, capacity = 1_000) {
  const messages = new ReceivedMessages(capacity);
  const smtp = await listenSmtp(messages, { host: "127.0.0.1", port: 0, now: () => noon });
  const app = createMailboxApp(messages);
  const transport = createTransport({ host: "127.0.0.1", port: smtp.port, pool: true });
  t.teardown(async () => {
    transport.close();
    await Promise.all([smtp.close(), app.close()]);
  });
  return {
    smtp,
    send: (subject: string, more: object = {}) =>
      transport.sendMail({
        from: "shop@example.com",
        to: "Ada <ada@example.com>",
        subject,
        text: "Hello",
        ...more,
      }),
    messages: async () => (await app.inject("/messages")).json<{ subject: string }[]>(),
    app,
  };
}

t.test("an e-mail received by SMTP is shown as sender, receiver, subject, text and HTML", async (t) => {
  const mailbox = await startMailbox(t);
  await mailbox.send("Größe 5 ☃", {
    html: "<p>Hello</p>",
    cc: "eve@example.com",
    messageId: "<m1@example.com>",
  });
  t.same(await mailbox.messages(), [
    {
      to: "ada@example.com, eve@example.com",
      from: "shop@example.com",
      subject: "Größe 5 ☃",
      text: "Hello",
      html: "<p>Hello</p>",
      messageId: "<m1@example.com>",
      at: "2026-01-01T12:00:00.000Z",
    },
  ]);
});

t.test("the newest mails are kept, newest last", async (t) => {
  const mailbox = await startMailbox(t, 3);
  for (let n = 0; n < 11; n++) await mailbox.send(`mail ${n}`);
  t.same(
    (await mailbox.messages()).map(({ subject }) => subject),
    ["mail 8", "mail 9", "mail 10"],
  );
});

t.test("DELETE empties the mailbox", async (t) => {
  const mailbox = await startMailbox(t);
  await mailbox.send("one");
  t.equal((await mailbox.app.inject({ method: "DELETE", url: "/messages" })).statusCode, 204);
  t.same(await mailbox.messages(), []);
});

t.test("the page for people shows hostile mail as text, and its HTML where it cannot run", async (t) => {
  const mailbox = await startMailbox(t);
  await mailbox.send("<script>alert(1)</script>", { html: '<b onclick="x">"bold"</b>' });
  const page = await mailbox.app.inject("/");
  t.equal(page.statusCode, 200);
  t.match(page.headers["content-security-policy"], "default-src 'none'");
  t.notMatch(page.body, "<script>");
  t.match(page.body, "&lt;script&gt;");
  t.match(page.body, 'srcdoc="&lt;b onclick=&quot;x&quot;&gt;');
});

t.test("an e-mail that is too large is refused, and the next one is accepted", async (t) => {
  const mailbox = await startMailbox(t);
  await t.rejects(mailbox.send("large", { text: "x".repeat(5 * 1024 * 1024) }), { message: /552/ });
  await mailbox.send("small");
  t.match(await mailbox.messages(), [{ subject: "small" }]);
});

t.test("closing does not wait for a silent client", async (t) => {
  const mailbox = await startMailbox(t);
  const idle = connect(mailbox.smtp.port, "127.0.0.1");
  let closed = false;
  idle.on("error", () => undefined);
  idle.on("close", () => {
    closed = true;
  });
  await new Promise((resolve) => idle.once("data", resolve));
  await mailbox.smtp.close();
  await waitUntil("the client is disconnected", () => closed);
});
