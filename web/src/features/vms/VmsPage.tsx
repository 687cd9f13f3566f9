import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ListPage } from '@/ui/ListPage'
import { BulkBar } from './BulkBar'
import { useVmColumns } from './columns'
import { vmFields } from './fields'

export function VmsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const vms = useCollection('vm')
  const columns = useVmColumns()
  const hosts = useNames('host')
  const networks = useNames('network')
  const projects = useNames('project')
  const fields = useMemo(
    () => vmFields({ host: hosts.name, network: networks.name, project: projects.name }),
    [hosts, networks, projects],
  )
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const picked = useMemo(() => vms.rows.filter(vm => chosen.has(vm.id)), [vms.rows, chosen])
  return (
    <ListPage
      list="vms"
      title={t('vms')}
      {...vms}
      columns={columns}
      fields={fields}
      suggestions={[
        { term: 'power:running', label: t('state.running') },
        { term: 'power:stopped', label: t('state.stopped') },
        { term: 'power:crashed,unknown,failed', label: t('vm.troubled') },
        { term: 'is:pending', label: t('vm.pending') },
      ]}
      actions={
        may('create_vm') && (
          <Link to="/vms/new">
            <Button type="primary" icon={<Plus size={16} />} tabIndex={-1}>
              {t('vm.new')}
            </Button>
          </Link>
        )
      }
      chosen={chosen}
      onChoose={setChosen}
      above={<BulkBar vms={picked} clear={() => setChosen(new Set())} />}
      empty={t('vm.none')}
    />
  )
}
