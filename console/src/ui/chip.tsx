/** A status as a chip: color, glyph and word say the same. */
import { glyphs, type Meaning } from "../orders/meanings.ts";
import { inWords } from "./format.ts";
import styles from "./ui.module.css";

/** A chip of one meaning. @param label a name of the API; it is shown in words */
export function StateChip({ meaning, label }: { readonly meaning: Meaning; readonly label: string }) {
  return (
    <span className={styles["chip"]} data-meaning={meaning}>
      <span className={styles["glyph"]} aria-hidden="true">
        {glyphs[meaning]}
      </span>
      <span>{inWords(label)}</span>
    </span>
  );
}
