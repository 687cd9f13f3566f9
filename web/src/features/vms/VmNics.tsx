import { Button, Select } from 'antd'
import { Unplug } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { editVm, type VmView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { ActionButton } from '@/ui/ActionButton'
import { Card, Empty } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useChange } from '../tasks/change'

export function VmNics({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  const { rows } = useCollection('network')
  const networks = useNames('network')
  const change = useChange()
  const [added, setAdded] = useState<string>()
  const edit = (title: string, body: { add_nics?: { network: string }[]; remove_nics?: string[] }) =>
    change.run(`${title} · ${vm.name}`, () => editVm({ path: { ref: vm.id }, body }))
  return (
    <Card title={t('vm.nics', { count: vm.nics.length })}>
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      {vm.nics.length === 0 && <Empty>{t('vm.no_nics')}</Empty>}
      <ul className="devices">
        {vm.nics.map(nic => (
          <li key={nic.id}>
            <strong>{networks.name(nic.network_id)}</strong>
            <span className="mono">{nic.address}</span>
            <span className="mono quiet">{nic.mac}</span>
            <span className="quiet">{nic.model}</span>
            <ActionButton
              size="small"
              icon={<Unplug size={14} />}
              verdict={vm.allowed_actions.edit}
              onClick={() => edit(t('remove'), { remove_nics: [nic.id] })}
            >
              {t('remove')}
            </ActionButton>
          </li>
        ))}
      </ul>
      {vm.allowed_actions.edit?.allowed && (
        <div className="field-row">
          <Select
            aria-label={t('vm.add_nic')}
            placeholder={t('network')}
            value={added}
            onChange={setAdded}
            options={rows.map(network => ({ value: network.id, label: `${network.name} · ${network.cidr}` }))}
          />
          <Button
            disabled={!added}
            onClick={() =>
              added && void edit(t('vm.add_nic'), { add_nics: [{ network: added }] }).then(() => setAdded(undefined))
            }
          >
            {t('vm.add_nic')}
          </Button>
        </div>
      )}
    </Card>
  )
}
