import { Button, Spin } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemAlert } from '@/ui/ProblemAlert'
import type { useConsoleLink } from './link'

/** Around a console: how its connection is. */
export function ConsoleFrame({ link, children }: { link: ReturnType<typeof useConsoleLink>; children: ReactNode }) {
  const { t } = useTranslation()
  return (
    <div className="console-frame">
      {children}
      {link.state !== 'open' && (
        <div className="console-veil" role="status">
          {link.state === 'refused' ? (
            <ProblemAlert problem={link.problem} retry={link.again} />
          ) : (
            <>
              <Spin />
              <span>{link.state === 'lost' ? t('console.lost') : t('console.connecting')}</span>
              {link.state === 'lost' && (
                <Button size="small" onClick={link.again}>
                  {t('console.again')}
                </Button>
              )}
            </>
          )}
        </div>
      )}
    </div>
  )
}
