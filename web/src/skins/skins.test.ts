import { describe, expect, it } from 'vitest'
import { SKINS } from './index'
import type { Palette } from './skin'
import { hoverOf } from './theme'

function luminance(hex: string): number {
  const parts = [1, 3, 5].map(at => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
  const [red = 0, green = 0, blue = 0] = parts.map(part =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  )
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** How far two colours are apart, from 1 to 21, as WCAG counts it. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

const READ = ['text', 'quiet', 'link', 'good', 'warning', 'bad', 'info'] as const
const GROUNDS = ['page', 'card', 'raised'] as const

const cases = Object.values(SKINS).flatMap(skin => [
  [`${skin.name} light`, skin.light] as const,
  [`${skin.name} dark`, skin.dark] as const,
])

it('there are at least three skins', () => {
  expect(Object.keys(SKINS).length).toBeGreaterThanOrEqual(3)
})

describe.each(cases)('%s', (_name, palette: Palette) => {
  it.each(READ)('%s can be read on every ground', name => {
    for (const ground of GROUNDS) expect(contrast(palette[name], palette[ground]), ground).toBeGreaterThanOrEqual(4.5)
  })
  it('what is written on the accent can be read', () => {
    expect(contrast(palette.accent, palette.onAccent)).toBeGreaterThanOrEqual(4.5)
    expect(contrast(hoverOf(palette), palette.onAccent)).toBeGreaterThanOrEqual(4.5)
  })
  it('the rail can be read', () => {
    expect(contrast(palette.rail, palette.railText)).toBeGreaterThanOrEqual(4.5)
    expect(contrast(palette.rail, palette.railChosen)).toBeGreaterThanOrEqual(4.5)
  })
})

it('contrast is what WCAG says it is', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 1)
})
