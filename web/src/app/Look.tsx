import { App, ConfigProvider } from 'antd'
import enUS from 'antd/locale/en_US'
import zhCN from 'antd/locale/zh_CN'
import { type ReactNode, useLayoutEffect, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { paletteOf, radiusOf } from '@/skins'
import { antTheme, applyVariables } from '@/skins/theme'
import { nonce } from './nonce'
import { usePreferences } from './preferences'

/** Skin, brightness and language for everything inside. */
export function Look({ children }: { children: ReactNode }) {
  const { skin, dark } = usePreferences()
  const { i18n } = useTranslation()
  const palette = paletteOf(skin, dark)
  const radius = radiusOf(skin)
  const theme = useMemo(() => antTheme(palette, radius, dark), [palette, radius, dark])
  useLayoutEffect(() => applyVariables(palette, radius, dark), [palette, radius, dark])
  return (
    <ConfigProvider
      theme={theme}
      locale={i18n.language === 'zh' ? zhCN : enUS}
      csp={{ nonce }}
      button={{ autoInsertSpace: false }}
    >
      <App component={false}>{children}</App>
    </ConfigProvider>
  )
}
