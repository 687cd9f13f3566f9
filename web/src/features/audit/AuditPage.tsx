import { useInfiniteQuery } from '@tanstack/react-query'
import { Button, Input, Spin } from 'antd'
import { Link2, Link2Off } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { type AuditVerdictView, type AuditView, listAudit, verifyAudit } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { useSession } from '@/app/session'
import { dateTime } from '@/ui/format'
import { Card, Empty, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { useTyped, useView } from '@/ui/view'
import { useChange } from '../tasks/change'

const PAGE = 100

/** Who did what, newest first, and whether the trail is whole. The manager filters: `actor_name:ada action~vm`. */
export function AuditPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const view = useView()
  const [text, setText] = useTyped(view.q ?? '', view.set)
  const filter = (view.q ?? '')
    .split(/\s+/)
    .filter(Boolean)
    .map(word => (/[:~!]/.test(word) ? word : `action~${word}`))
  const records = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam }) =>
      ask(listAudit({ query: { filter, sort: '-seq', limit: PAGE, ...(pageParam ? { after: pageParam } : {}) } })),
    initialPageParam: '',
    getNextPageParam: page => page.next ?? undefined,
  })
  const rows = records.data?.pages.flatMap(page => page.items) ?? []
  return (
    <Page title={t('audit')} intro={t('audit.intro')} actions={may('verify_audit') && <Verify />}>
      <div className="filter-bar">
        <Input
          value={text}
          onChange={event => setText(event.target.value)}
          placeholder="actor_name:ada  outcome:failed  noun:vm"
          aria-label={t('filter.label')}
          className="filter-input"
          allowClear
          spellCheck={false}
        />
      </div>
      <ProblemAlert problem={records.error ? asProblem(records.error) : undefined} />
      <Card>
        {records.isPending && <Spin />}
        {records.data && rows.length === 0 && <Empty>{t('audit.none')}</Empty>}
        <ul className="audit">
          {rows.map(record => (
            <Record key={record.seq} record={record} />
          ))}
        </ul>
        {records.hasNextPage && (
          <Button onClick={() => records.fetchNextPage()} loading={records.isFetchingNextPage}>
            {t('audit.more')}
          </Button>
        )}
      </Card>
    </Page>
  )
}

function Record({ record }: { record: AuditView }) {
  const { i18n } = useTranslation()
  const failed = record.outcome !== 'succeeded'
  return (
    <li>
      <details>
        <summary>
          <span className="number quiet">{record.seq}</span>
          <time dateTime={record.at}>{dateTime(record.at, i18n.language)}</time>
          <strong>{record.actor_name || '–'}</strong>
          <span className="mono">{record.action}</span>
          <span>{record.object_name}</span>
          <StateMark state={failed ? 'failed' : 'succeeded'} />
          {failed && <span className="mono tone-bad">{record.error_code}</span>}
        </summary>
        <pre>
          {JSON.stringify(
            {
              source: record.source,
              duty: record.duty,
              details: record.details,
              duration_ms: record.duration_ms,
              request_id: record.request_id,
              prev_hash: record.prev_hash,
              hash: record.hash,
            },
            null,
            2,
          )}
        </pre>
      </details>
    </li>
  )
}

/** Reads the whole chain; says where it was broken and how. */
function Verify() {
  const { t } = useTranslation()
  const change = useChange()
  const [verdict, setVerdict] = useState<AuditVerdictView>()
  const look = async () => setVerdict(await change.run<AuditVerdictView>(t('audit.verify'), () => verifyAudit()))
  return (
    <div className="verify">
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      {verdict && (
        <span role="status" className={verdict.intact ? 'state state-good' : 'state state-bad'}>
          {verdict.intact ? <Link2 size={16} aria-hidden /> : <Link2Off size={16} aria-hidden />}
          {verdict.intact ? t('audit.intact', { count: verdict.records }) : verdict.explanation}
        </span>
      )}
      <Button loading={change.busy} onClick={look}>
        {t('audit.verify')}
      </Button>
    </div>
  )
}
