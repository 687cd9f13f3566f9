/** The X keysym of a character, as RFB sends keys: Latin-1 is itself, the rest is in Unicode's own range. */
export function keysymOf(character: string): number {
  const point = character.codePointAt(0) ?? 0
  if (character === '\n' || character === '\r') return 0xff0d
  if (character === '\t') return 0xff09
  if ((point >= 0x20 && point <= 0x7e) || (point >= 0xa0 && point <= 0xff)) return point
  return 0x01000000 | point
}

const SHIFT = 0xffe1
const SHIFTED = /[A-Z~!@#$%^&*()_+{}|:"<>?]/

/** The keys by which a character is typed: guests are told of keys, not of characters, so Shift is one of them. */
export function keysFor(character: string): number[] {
  return SHIFTED.test(character) ? [SHIFT, keysymOf(character)] : [keysymOf(character)]
}

export const SPECIAL = {
  'Ctrl+Alt+Del': [0xffe3, 0xffe9, 0xffff],
  'Ctrl+Alt+F1': [0xffe3, 0xffe9, 0xffbe],
  'Ctrl+Alt+F2': [0xffe3, 0xffe9, 0xffbf],
  'Ctrl+Alt+F7': [0xffe3, 0xffe9, 0xffc4],
  'Alt+Tab': [0xffe9, 0xff09],
  'Alt+F4': [0xffe9, 0xffc1],
  Esc: [0xff1b],
  Tab: [0xff09],
  Super: [0xffeb],
} as const

/** Press keys in turn and let them go in reverse. */
export function press(send: (keysym: number, down: boolean) => void, keysyms: readonly number[]): void {
  for (const keysym of keysyms) send(keysym, true)
  for (const keysym of [...keysyms].reverse()) send(keysym, false)
}
