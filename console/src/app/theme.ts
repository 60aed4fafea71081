/** Light, dark, or as the system has it. Kept in this browser. */

/** The choices. */
export const themes = ["system", "light", "dark"] as const;
/** One of {@link themes}. */
export type Theme = (typeof themes)[number];

/** Applies a theme to the page. */
export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
