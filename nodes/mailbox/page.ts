/** The development mailbox's page. */
import type { ReceivedMessage } from "./messages.ts";

/** The messages for people, newest first. A message's own HTML is shown in a frame that may run nothing. */
export function mailboxPage(messages: readonly ReceivedMessage[]): string {
  const items = messages.toReversed().map(
    ({ to, subject, text, html, at }) => `<details>
<summary><time>${escape(at.slice(0, 19).replace("T", " "))}</time> <b>${escape(subject)}</b> <span>${escape(to)}</span></summary>
<iframe sandbox title="Mail" srcdoc="${escape(html === "" ? `<pre>${escape(text)}</pre>` : html)}"></iframe>
</details>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Mailbox</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem; color: #1c2430; }
details { border-bottom: 1px solid #d8dee6; padding: .5rem 0; }
summary { cursor: pointer; }
time, span { color: #5a6675; }
iframe { width: 100%; height: 28rem; border: 1px solid #d8dee6; margin-top: .5rem; }
</style>
</head>
<body>
<h1>Mailbox</h1>
<p>${messages.length === 0 ? "No mail yet." : `The newest ${messages.length} mails.`} As data: <a href="/messages">/messages</a>.</p>
${items.join("\n")}
</body>
</html>
`;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
