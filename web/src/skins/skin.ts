/** The colours of one skin in one brightness. Every pair that text is read on is tested for contrast (WCAG AA). */
export interface Palette {
  /** Buttons and what is chosen; `onAccent` is written on it. */
  accent: string
  onAccent: string
  /** Links and names that lead somewhere. */
  link: string
  /** The page, and the cards that lie on it. */
  page: string
  card: string
  /** Cards on cards, and rows under the pointer. */
  raised: string
  border: string
  text: string
  /** Labels and hints. */
  quiet: string
  /** The navigation at the side. */
  rail: string
  railText: string
  railChosen: string
  /** States of things, as text and glyphs. */
  good: string
  warning: string
  bad: string
  info: string
}

/** A skin: drop a file like these into this folder and it can be chosen. */
export interface Skin {
  name: string
  title: { en: string; zh: string }
  radius: number
  light: Palette
  dark: Palette
}
