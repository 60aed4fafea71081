/** Fields of forms: a label, a control, a hint, and what is wrong with the value. */
import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";
import styles from "./ui.module.css";

type Around = { readonly label: string; readonly hint?: ReactNode; readonly fault?: string | undefined };

function Around({
  id,
  label,
  hint,
  fault,
  children,
}: Around & { readonly id: string; readonly children: ReactNode }) {
  return (
    <div className={styles["field"]}>
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && (
        <div id={`${id}-hint`} className={styles["hint"]}>
          {hint}
        </div>
      )}
      {fault && (
        <div id={`${id}-fault`} className={styles["fault"]} role="alert">
          {fault}
        </div>
      )}
    </div>
  );
}

const described = (id: string, { hint, fault }: Pick<Around, "hint" | "fault">) => ({
  "aria-describedby": [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ") || undefined,
  "aria-invalid": fault !== undefined && fault !== "" ? true : undefined,
});

/** One line of text, or a number. */
export function TextField({ label, hint, fault, ...rest }: Around & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      <input {...rest} id={id} className={styles["input"]} {...described(id, { hint, fault })} />
    </Around>
  );
}

/** Several lines. */
export function TextArea({
  label,
  hint,
  fault,
  ...rest
}: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      <textarea rows={3} {...rest} id={id} className={styles["input"]} {...described(id, { hint, fault })} />
    </Around>
  );
}

/** A choice of a few. */
export function SelectField({
  label,
  hint,
  fault,
  children,
  ...rest
}: Around & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      <select {...rest} id={id} className={styles["input"]} {...described(id, { hint, fault })}>
        {children}
      </select>
    </Around>
  );
}

/** Classes of a control that has its label elsewhere. */
export const inputClass = styles["input"];
