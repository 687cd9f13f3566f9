import { Link } from '@tanstack/react-router'
import { Button, Input, Typography } from 'antd'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createProject, type ProjectView } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { useCollection } from '@/api/use'
import { useSession } from '@/app/session'
import { Ago } from '@/ui/Ago'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { Field } from '@/ui/Field'
import type { Fields } from '@/ui/filter'
import { ListPage } from '@/ui/ListPage'
import type { Column } from '@/ui/VirtualTable'
import { useChange } from '../tasks/change'

const FIELDS: Fields<ProjectView> = { '': project => project.name }

export function ProjectsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const projects = useCollection('project')
  const vms = useCollection('vm').rows
  const volumes = useCollection('volume').rows
  const [adding, setAdding] = useState(false)
  const columns = useMemo<Column<ProjectView>[]>(() => {
    const [vmsIn, volumesIn] = [count(vms), count(volumes)]
    return [
      {
        key: 'name',
        title: t('name'),
        width: 200,
        grow: 1,
        value: project => project.name,
        render: project => (
          <Link to="/vms" search={{ q: `project:${project.name}` }} className="name">
            {project.name}
          </Link>
        ),
      },
      {
        key: 'vms',
        title: t('vms'),
        width: 160,
        value: project => vmsIn.get(project.id) ?? 0,
        render: project => <span className="number">{vmsIn.get(project.id) ?? 0}</span>,
      },
      {
        key: 'volumes',
        title: t('project.volumes'),
        width: 140,
        value: project => volumesIn.get(project.id) ?? 0,
        render: project => <span className="number">{volumesIn.get(project.id) ?? 0}</span>,
      },
      {
        key: 'created',
        title: t('created'),
        width: 160,
        value: project => project.created_at,
        render: project => <Ago at={project.created_at} />,
      },
      {
        key: 'id',
        title: 'ID',
        width: 320,
        render: project => (
          <Typography.Text className="mono" copyable={{ text: project.id, tooltips: false }}>
            {project.id}
          </Typography.Text>
        ),
      },
    ]
  }, [t, vms, volumes])
  return (
    <>
      <ListPage
        list="projects"
        title={t('projects')}
        intro={t('project.intro')}
        {...projects}
        columns={columns}
        fields={FIELDS}
        actions={
          may('create_project') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setAdding(true)}>
              {t('project.new')}
            </Button>
          )
        }
        empty={t('project.none')}
      />
      {adding && <ProjectDialog close={() => setAdding(false)} />}
    </>
  )
}

function count(rows: readonly { project_id: string }[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { project_id } of rows) counts.set(project_id, (counts.get(project_id) ?? 0) + 1)
  return counts
}

function ProjectDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [name, setName] = useState('')
  const submit = async () => {
    if (await change.run(`${t('project.new')} ${name}`, () => createProject({ body: { name } }))) close()
  }
  return (
    <ChangeDialog title={t('project.new')} ok={t('create')} disabled={!name} {...change} close={close} submit={submit}>
      <Field label={t('name')} error={fieldMessage(change.problem, 'name')}>
        <Input value={name} onChange={event => setName(event.target.value)} autoFocus />
      </Field>
    </ChangeDialog>
  )
}
