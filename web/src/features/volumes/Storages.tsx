import { HardDrive } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useCollection, useNames } from '@/api/use'
import { bytes } from '@/ui/format'
import { Meter } from '@/ui/Page'

/** Every repository with how full it is. */
export function Storages() {
  const { t } = useTranslation()
  const { rows } = useCollection('storage')
  const hosts = useNames('host')
  return (
    <ul className="storages" aria-label={t('storages')}>
      {rows.map(storage => {
        const usage = storage.usage
        return (
          <li key={storage.id}>
            <HardDrive size={18} aria-hidden />
            <div>
              <strong>{storage.name}</strong>{' '}
              <span className="quiet">
                {storage.host_id ? t('storage.local', { host: hosts.name(storage.host_id) }) : t('storage.shared')}
              </span>
              {usage ? (
                <Meter
                  used={usage.used / Math.max(1, usage.capacity)}
                  label={t('storage.free', { free: bytes(usage.available), all: bytes(usage.capacity) })}
                />
              ) : (
                <span className="tone-bad">{t('storage.unreadable')}</span>
              )}
            </div>
          </li>
        )
      })}
    </ul>
  )
}
