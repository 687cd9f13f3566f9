import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { placesFor } from '@/app/navigation'
import { useSession } from '@/app/session'

/** For administrators whose work is not VMs: the places of their own duty, large. */
export function Duties() {
  const { t } = useTranslation()
  const { may, me } = useSession()
  const places = placesFor(may)
    .flatMap(group => group.places)
    .filter(place => place.to !== '/')
  return (
    <>
      <p className="quiet">{me.duty ? t(`duty.${me.duty}`) : t('duty.none')}</p>
      <div className="duties">
        {places.map(({ to, text, icon: Icon }) => (
          <Link key={to} to={to} className="duty">
            <Icon size={26} aria-hidden />
            <strong>{t(text)}</strong>
          </Link>
        ))}
      </div>
    </>
  )
}
