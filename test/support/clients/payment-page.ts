/** The gateway's page as a customer's browser submits it. */

/** Presses the button whose text begins so. @returns the page that follows; @throws when there is no such button */
export async function press(page: string, button: string): Promise<{ status: number; text: string }> {
  const html = await (await fetch(page)).text();
  const [, method = "", action = "", fields = ""] =
    /<form method="(\w+)" action="([^"]+)">([^]*?)<\/form>/u.exec(html) ?? [];
  const found = [
    ...fields.matchAll(/<button (?:class="\w+" )?name="(\w+)" value="(\w+)">([^<]+)<\/button>/gu),
  ].find(([, , , text]) => text?.startsWith(button));
  if (found === undefined) throw new Error(`there is no button "${button}" on ${html}`);
  const [, name = "", value = ""] = found;
  const answer = await fetch(new URL(action, page), {
    method: method.toUpperCase(),
    body: new URLSearchParams({ [name]: value }),
  });
  return { status: answer.status, text: await answer.text() };
}
