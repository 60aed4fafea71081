/** What may not be shown in logs, messages and answers. Pure. */

/**
 * Users, passwords and tokens in addresses are hidden: `nats://me:secret@host` becomes `nats://[hidden]@host`. Each
 * address of a list is hidden by itself. A password may hold any character, an `@`, `/` or comma too.
 */
export function hideCredentials(text: string): string {
  return text.replace(/\/\/(?:(?!,\s*\w+:\/\/)\S)*@/gu, "//[hidden]@");
}

/** E-mail addresses are hidden, as other systems repeat them in their error messages: `550 [address] unknown`. */
export function hideAddresses(text: string): string {
  // The name begins where a word begins: without that, each of its characters would be tried, in quadratic time.
  return text.replace(
    /<?(?:"[^"]*"|(?<![^\s<>"'`(),;:@[\]])[^\s<>"'`(),;:@[\]]+)@[^\s<>"'`(),;]+>?/gu,
    "[address]",
  );
}
