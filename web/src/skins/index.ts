import type { Palette, Skin } from './skin'

const files = import.meta.glob<{ default: Skin }>(
  ['./*.ts', '!./index.ts', '!./skin.ts', '!./*.test.ts', '!./theme.ts'],
  {
    eager: true,
  },
)

/** All skins of this folder, by name. */
export const SKINS: Record<string, Skin> = Object.fromEntries(
  Object.values(files).map(({ default: skin }) => [skin.name, skin]),
)
export const DEFAULT_SKIN = 'altus'

export function paletteOf(skin: string, dark: boolean): Palette {
  const found = SKINS[skin] ?? SKINS[DEFAULT_SKIN]
  if (!found) throw new Error('no skin')
  return dark ? found.dark : found.light
}

export const radiusOf = (skin: string) => SKINS[skin]?.radius ?? 8
