/** HTML that is safe to put into HTML. */
export type Html = { readonly html: string };

type Value = string | number | Html | readonly Html[];

/** Tagged template: escapes text, and inserts nested {@link Html} unchanged. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: String.raw({ raw: parts }, ...values.map(write)) };
}

function write(value: Value): string {
  if (typeof value === "object") return "html" in value ? value.html : value.map(write).join("");
  return escape(String(value));
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
