import { Button } from 'antd'
import { Hammer, Trash2, Upload } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { deleteImage, type ImageView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { Ago } from '@/ui/Ago'
import type { Fields } from '@/ui/filter'
import { bytes } from '@/ui/format'
import { ListPage } from '@/ui/ListPage'
import { StateMark } from '@/ui/StateMark'
import type { Column } from '@/ui/VirtualTable'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { BuildDialog, UploadDialog } from './ImageDialogs'

const FIELDS: Fields<ImageView> = {
  '': image => image.name,
  state: image => image.state,
  format: image => image.source_format,
}

export function ImagesPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const images = useCollection('image')
  const storages = useNames('storage')
  const [dialog, setDialog] = useState<'upload' | 'build' | ImageView>()
  const close = () => setDialog(undefined)
  const columns = useMemo<Column<ImageView>[]>(
    () => [
      {
        key: 'name',
        title: t('name'),
        width: 180,
        grow: 2,
        value: image => image.name,
        render: image => <strong>{image.name}</strong>,
      },
      {
        key: 'state',
        title: t('state'),
        width: 130,
        value: image => image.state,
        render: image => <StateMark state={image.state} />,
      },
      {
        key: 'size',
        title: t('size'),
        width: 110,
        value: image => image.size,
        render: image => <span className="number">{bytes(image.size)}</span>,
      },
      {
        key: 'file',
        title: t('image.file'),
        width: 110,
        value: image => image.file_size,
        render: image => <span className="number">{bytes(image.file_size)}</span>,
      },
      {
        key: 'format',
        title: t('image.format'),
        width: 110,
        value: image => image.source_format,
        render: image => image.source_format,
      },
      {
        key: 'storage',
        title: t('storage'),
        width: 120,
        grow: 1,
        value: image => storages.name(image.storage_id),
        render: image => storages.name(image.storage_id),
      },
      {
        key: 'created',
        title: t('created'),
        width: 150,
        grow: 1,
        value: image => image.created_at,
        render: image => <Ago at={image.created_at} />,
      },
      {
        key: 'sha256',
        title: 'SHA-256',
        width: 300,
        optional: true,
        render: image => <span className="mono">{image.sha256}</span>,
      },
      {
        key: 'do',
        title: t('actions'),
        width: 110,
        render: image => (
          <ActionButton
            size="small"
            icon={<Trash2 size={14} />}
            verdict={image.allowed_actions.delete}
            onClick={() => setDialog(image)}
          >
            {t('delete')}
          </ActionButton>
        ),
      },
    ],
    [t, storages],
  )
  return (
    <>
      <ListPage
        list="images"
        title={t('images')}
        {...images}
        columns={columns}
        fields={FIELDS}
        actions={
          <>
            {may('build_image') && (
              <Button icon={<Hammer size={15} />} onClick={() => setDialog('build')}>
                {t('image.build')}
              </Button>
            )}
            {may('create_image') && (
              <Button type="primary" icon={<Upload size={15} />} onClick={() => setDialog('upload')}>
                {t('image.upload')}
              </Button>
            )}
          </>
        }
        empty={t('image.none')}
      />
      {dialog === 'upload' && <UploadDialog close={close} />}
      {dialog === 'build' && <BuildDialog close={close} />}
      {typeof dialog === 'object' && (
        <RemoveDialog
          noun={t('image')}
          name={dialog.name}
          close={close}
          request={plan => deleteImage({ path: { ref: dialog.id }, query: { plan } })}
        />
      )}
    </>
  )
}
