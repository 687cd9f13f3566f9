import { Button, Popover, Segmented } from 'antd'
import { Check, Palette as PaletteIcon } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { changeLanguage, type Language } from '@/i18n'
import { paletteOf, SKINS } from '@/skins'
import { type Brightness, prefer, usePreferences } from './preferences'

/** Language, brightness and skin. */
export function LookMenu() {
  const { t } = useTranslation()
  return (
    <Popover content={<Choices />} trigger="click" placement="bottomRight">
      <Button
        type="text"
        className="top-button"
        icon={<PaletteIcon size={18} />}
        aria-label={t('look')}
        title={t('look')}
      />
    </Popover>
  )
}

function Choices() {
  const { t, i18n } = useTranslation()
  const { skin, brightness, dark } = usePreferences()
  const language = i18n.language as Language
  return (
    <div className="look">
      <h3>{t('look.language')}</h3>
      <Segmented<Language>
        block
        value={language}
        onChange={changeLanguage}
        options={[
          { value: 'en', label: 'English' },
          { value: 'zh', label: '中文' },
        ]}
      />
      <h3>{t('look.brightness')}</h3>
      <Segmented<Brightness>
        block
        value={brightness}
        onChange={value => prefer({ brightness: value })}
        options={(['light', 'dark', 'system'] as const).map(value => ({ value, label: t(`look.${value}`) }))}
      />
      <h3>{t('look.skin')}</h3>
      <div className="skins" role="radiogroup" aria-label={t('look.skin')}>
        {Object.values(SKINS).map(one => {
          const palette = paletteOf(one.name, dark)
          return (
            <button
              type="button"
              role="radio"
              key={one.name}
              aria-checked={one.name === skin}
              className="skin"
              onClick={() => prefer({ skin: one.name })}
            >
              <span className="skin-look" style={{ background: palette.page, borderColor: palette.border }}>
                <span style={{ background: palette.rail }} />
                <span style={{ background: palette.accent }} />
              </span>
              <span>
                {one.title[language]} {one.name === skin && <Check size={13} aria-hidden />}
              </span>
            </button>
          )
        })}
      </div>
    </div>
  )
}
