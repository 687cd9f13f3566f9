import { type ThemeConfig, theme } from 'antd'
import type { Palette } from './skin'

/** A palette as Ant Design's tokens. */
export function antTheme(palette: Palette, radius: number, dark: boolean): ThemeConfig {
  return {
    algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    cssVar: { key: 'altus' },
    hashed: false,
    token: {
      colorPrimary: palette.accent,
      colorTextLightSolid: palette.onAccent,
      colorLink: palette.link,
      colorLinkHover: palette.link,
      colorLinkActive: palette.link,
      colorBgLayout: palette.page,
      colorBgContainer: palette.card,
      colorBgElevated: palette.card,
      colorBorder: palette.border,
      colorBorderSecondary: palette.border,
      colorText: palette.text,
      colorTextSecondary: palette.quiet,
      colorTextTertiary: palette.quiet,
      colorTextDescription: palette.quiet,
      colorTextPlaceholder: palette.quiet,
      colorTextDisabled: palette.quiet,
      colorSuccess: palette.good,
      colorWarning: palette.warning,
      colorError: palette.bad,
      colorErrorText: palette.bad,
      colorInfo: palette.info,
      ...tinted(palette),
      borderRadius: radius,
      fontSize: 14,
      fontFamily:
        "Inter, 'Segoe UI', system-ui, -apple-system, Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif",
      motion: false, // what is asked for is there at once
    },
    components: {
      Button: {
        primaryShadow: 'none',
        defaultShadow: 'none',
        dangerShadow: 'none',
        dangerColor: dark ? palette.page : '#ffffff',
        colorTextLightSolid: palette.onAccent,
        colorPrimaryHover: hoverOf(palette),
        defaultHoverColor: palette.link,
        defaultHoverBorderColor: palette.link,
      },
      Tabs: { itemSelectedColor: palette.link, itemHoverColor: palette.link, inkBarColor: palette.link },
      Steps: { colorTextLightSolid: palette.onAccent },
      Segmented: { itemSelectedBg: palette.card, trackBg: palette.raised },
      Menu: { itemSelectedBg: palette.raised, itemSelectedColor: palette.text },
    },
  }
}

/** Grounds and borders of alerts: a touch of the state's colour. */
function tinted(palette: Palette) {
  const grounds = { Success: palette.good, Warning: palette.warning, Error: palette.bad, Info: palette.info }
  return Object.fromEntries(
    Object.entries(grounds).flatMap(([name, colour]) => [
      [`color${name}Bg`, mix(colour, palette.card, 0.08)],
      [`color${name}Border`, mix(colour, palette.card, 0.4)],
    ]),
  )
}

/** The accent under the pointer: away from what is written on it, which can be read there, too. */
export function hoverOf({ accent, onAccent }: Palette): string {
  const light = Number.parseInt(onAccent.slice(3, 5), 16) > 127
  return mix(light ? '#000000' : '#ffffff', accent, 0.14)
}

/** `share` of one colour in another. */
export function mix(colour: string, ground: string, share: number): string {
  const part = (text: string, at: number) => Number.parseInt(text.slice(at, at + 2), 16)
  const mixed = [1, 3, 5].map(at => Math.round(part(colour, at) * share + part(ground, at) * (1 - share)))
  return `#${mixed.map(value => value.toString(16).padStart(2, '0')).join('')}`
}

/** The same colours as CSS variables on the root, where portals see them too. */
export function applyVariables(palette: Palette, radius: number, dark: boolean): void {
  const root = document.documentElement
  for (const [name, value] of Object.entries(palette)) root.style.setProperty(`--${name}`, value)
  root.style.setProperty('--radius', `${radius}px`)
  root.style.colorScheme = dark ? 'dark' : 'light'
}
