import { Link } from '@tanstack/react-router'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { VmView } from '@/api/generated'
import { useNames } from '@/api/use'
import { Ago } from '@/ui/Ago'
import { bytes } from '@/ui/format'
import { Card, Facts, Meter } from '@/ui/Page'
import { addressesOf } from './fields'
import { Screenshot } from './Screenshot'

export function VmSummary({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  return (
    <div className="grid grid-vm">
      <Screenshot vm={vm} />
      <Card title={t('vm.machine')}>
        <Machine vm={vm} />
      </Card>
      <Card title={t('vm.guest')}>
        <Guest vm={vm} />
      </Card>
      <Card title={t('vm.place')}>
        <Place vm={vm} />
      </Card>
    </div>
  )
}

function Machine({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  return (
    <Facts
      rows={[
        [t('vm.vcpus'), vm.vcpus],
        [t('memory'), bytes(vm.memory)],
        [t('vm.cpu'), vm.cpu ? `${vm.cpu.model}` : vm.cpu_model],
        [t('vm.firmware'), vm.firmware.toUpperCase()],
        [t('vm.boot'), vm.boot.map(device => t(`vm.boot_${device}`)).join(' → ')],
        [t('tags'), vm.tags.length > 0 && vm.tags.map(tag => <Tag key={tag}>{tag}</Tag>)],
        [t('vm.protection'), vm.protected && t('yes')],
      ].map(([name, value]) => [name, value === false ? '' : value] as [string, string])}
    />
  )
}

function Guest({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  const guest = vm.guest
  return (
    <>
      <Facts
        rows={[
          [
            t('vm.address'),
            <span key="a" className="mono">
              {addressesOf(vm).join(', ')}
            </span>,
          ],
          [t('vm.hostname'), guest?.hostname],
          [t('vm.os'), guest?.os_name],
          [t('vm.kernel'), guest?.kernel],
          [t('vm.agent'), guest?.agent_version],
        ]}
      />
      {guest?.filesystems?.map(system => (
        <Meter
          key={system.mountpoint}
          used={system.used / Math.max(1, system.total)}
          label={`${system.mountpoint} · ${bytes(system.used)} / ${bytes(system.total)}`}
        />
      ))}
      {!guest && <p className="quiet">{t('vm.no_agent')}</p>}
    </>
  )
}

function Place({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  const hosts = useNames('host')
  const storages = useNames('storage')
  const projects = useNames('project')
  return (
    <Facts
      rows={[
        [
          t('host'),
          vm.host_id && (
            <Link key="h" to="/hosts/$id" params={{ id: vm.host_id }}>
              {hosts.name(vm.host_id)}
            </Link>
          ),
        ],
        [t('storage'), storages.name(vm.storage_id)],
        [t('project'), projects.name(vm.project_id)],
        [t('label'), vm.label],
        [t('created'), <Ago key="c" at={vm.created_at} />],
        [t('changed'), <Ago key="u" at={vm.updated_at} />],
        [
          'ID',
          <span key="i" className="mono">
            {vm.id}
          </span>,
        ],
      ]}
    />
  )
}
