import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

export function NotFound() {
  const { t } = useTranslation()
  return (
    <main className="front">
      <div className="front-card">
        <h1>{t('not_found')}</h1>
        <Link to="/">{t('not_found.home')}</Link>
      </div>
    </main>
  )
}
