/** Icons, drawn here: nothing is loaded for them. They are decoration; their button or link has the words. */

const paths = {
  overview: "M2.5 9.5h4v4h-4zM2.5 2.5h4v4h-4zM9.5 2.5h4v7h-4zM9.5 12h4v1.5h-4z",
  orders: "M3 2.5h10v11l-2-1.3-1.5 1.3L8 12.2l-1.5 1.3L5 12.2l-2 1.3zM5.5 5.5h5M5.5 8.5h5",
  warehouse: "M2 13.5V6l6-3.5L14 6v7.5M4.5 13.5v-5h7v5M4.5 11h7",
  machines: "M2.5 3h4v3.5h-4zM9.5 9.5h4V13h-4zM6.5 4.7h3.2a2 2 0 0 1 2 2v2.8M4.5 6.5v3a2 2 0 0 0 2 2h3",
  messages: "M2 3.5h12v9H2zM2.3 4l5.7 4.6L13.7 4",
  cluster: "M8 2.2 13 5v6L8 13.8 3 11V5zM8 8l5-3M8 8v5.8M8 8 3 5",
  api: "M5.5 4 2 8l3.5 4M10.5 4 14 8l-3.5 4",
  copy: "M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3",
  check: "m3 8.5 3.2 3.2L13 4.8",
  close: "m4 4 8 8M12 4l-8 8",
  search: "M7 12.2A5.2 5.2 0 1 0 7 1.8a5.2 5.2 0 0 0 0 10.4zM10.8 10.8l3.4 3.4",
  retry: "M13.2 6.5A5.5 5.5 0 1 0 13.5 9M13.5 2.5v4h-4",
  pause: "M5 3v10M11 3v10",
  play: "M4.5 3v10l8-5z",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1",
  moon: "M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z",
  system: "M2 3h12v8H2zM6 13.5h4M8 11v2.5",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
  up: "m4 9.5 4-4 4 4",
  down: "m4 6.5 4 4 4-4",
  left: "m9.5 4-4 4 4 4",
  right: "m6.5 4 4 4-4 4",
  filter: "M2.5 3.5h11L9.3 8.6v4.2l-2.6-1.3V8.6z",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.6",
  warning: "M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.1",
  arrow: "M3 8h10M9 4l4 4-4 4",
} as const;

/** Name of an icon. */
export type IconName = keyof typeof paths;

/** An icon of 16 px. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
