/** A form that is made from the JSON Schema of a command. */
import { TextArea, TextField, SelectField } from "../ui/field.tsx";
import type { FormField, FormValues } from "./schema-fields.ts";

/** Draws the fields. */
export function SchemaForm({
  faults,
  fields,
  onChange,
  values,
}: {
  readonly fields: readonly FormField[];
  readonly values: FormValues;
  readonly faults: Readonly<Record<string, string>>;
  readonly onChange: (values: FormValues) => void;
}) {
  return fields.map(({ choices, hint, kind, label, longest, name, required }) => {
    const about = {
      label: required ? label : `${label} (optional)`,
      hint,
      fault: faults[name],
      value: values[name] ?? "",
      required,
      onChange: ({ target }: { readonly target: { readonly value: string } }) =>
        onChange({ ...values, [name]: target.value }),
    };
    if (kind === "long") return <TextArea key={name} {...about} rows={2} maxLength={longest} />;
    if (kind === "flag" || kind === "choice") {
      const options = kind === "flag" ? ["true", "false"] : choices;
      return (
        <SelectField key={name} {...about}>
          {!required && <option value="">not given</option>}
          {options.map((option) => (
            <option key={option} value={option}>
              {kind === "flag" ? (option === "true" ? "Yes" : "No") : option}
            </option>
          ))}
        </SelectField>
      );
    }
    return (
      <TextField
        key={name}
        {...about}
        maxLength={longest}
        inputMode={kind === "number" ? "numeric" : undefined}
        autoComplete="off"
      />
    );
  });
}
