import { Link } from '@tanstack/react-router'
import { Badge, Button, Drawer } from 'antd'
import { ListChecks, X } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { Ago } from '@/ui/Ago'
import { Empty } from '@/ui/Page'
import { StateMark } from '@/ui/StateMark'
import { useTaskLog } from './change'
import { isFailed, isOpen, type LogEntry, useLog } from './log'
import { taskState } from './TaskItem'

/** What I asked for and what came of it: failures stay here until I put them away. */
export function LogDrawer() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const log = useTaskLog()
  const entries = useLog(log)
  const { rows } = useCollection('task')
  useEffect(() => log.follow(rows), [log, rows])
  const failed = entries.filter(isFailed).length
  const running = entries.filter(isOpen).length
  return (
    <>
      <Badge count={failed} size="small" offset={[-4, 4]}>
        <Button
          type="text"
          className="top-button"
          icon={<ListChecks size={18} className={running > 0 ? 'pulsing' : undefined} />}
          aria-label={t('log.open', { running, failed })}
          title={t('log')}
          onClick={() => setOpen(true)}
        />
      </Badge>
      <div className="unseen" role="log" aria-live="polite">
        {entries[0] && `${entries[0].title}: ${t(`state.${taskState(entries[0].state)}` as 'state.running')}`}
      </div>
      <Drawer
        title={t('log')}
        open={open}
        onClose={() => setOpen(false)}
        size={460}
        extra={
          <Button size="small" onClick={() => log.clear()}>
            {t('log.clear')}
          </Button>
        }
      >
        {entries.length === 0 && <Empty>{t('log.empty')}</Empty>}
        <ul className="log">
          {entries.map(entry => (
            <Entry key={entry.id} entry={entry} away={() => log.clear(entry.id)} close={() => setOpen(false)} />
          ))}
        </ul>
      </Drawer>
    </>
  )
}

function Entry({ entry, away, close }: { entry: LogEntry; away: () => void; close: () => void }) {
  const { t } = useTranslation()
  return (
    <li className={isFailed(entry) ? 'log-failed' : undefined}>
      <div className="log-line">
        <StateMark state={taskState(entry.state)} word={false} />
        {entry.taskId ? (
          <Link to="/tasks" search={{ id: entry.taskId }} onClick={close}>
            {entry.title}
          </Link>
        ) : (
          <span>{entry.title}</span>
        )}
        <span className="quiet">
          <Ago at={entry.at} />
        </span>
        {!isOpen(entry) && (
          <Button
            size="small"
            type="text"
            icon={<X size={13} />}
            aria-label={t('log.away', { title: entry.title })}
            onClick={away}
          />
        )}
      </div>
      {entry.message && <p>{entry.message}</p>}
      {entry.hint && <p className="quiet">{entry.hint}</p>}
      {entry.code && <p className="mono quiet">{entry.code}</p>}
    </li>
  )
}
