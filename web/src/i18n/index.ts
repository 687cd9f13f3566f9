import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { en } from './en'
import { zh } from './zh'

export type Language = 'en' | 'zh'
export type TextKey = keyof typeof en

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en }
    keySeparator: false
    nsSeparator: false
  }
}

/** What was chosen before, else what the browser asks for. */
export function preferredLanguage(): Language {
  const kept = localStorage.getItem('altus.language')
  if (kept === 'en' || kept === 'zh') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

export function startI18n(): void {
  void i18next.use(initReactI18next).init({
    lng: preferredLanguage(),
    fallbackLng: 'en',
    resources: { en: { translation: en }, zh: { translation: zh } },
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
  })
  document.documentElement.lang = i18next.language
}

export function changeLanguage(language: Language): void {
  localStorage.setItem('altus.language', language)
  document.documentElement.lang = language
  void i18next.changeLanguage(language)
}
