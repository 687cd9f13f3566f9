import { Modal } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Problem } from '@/api/problem'
import { ProblemAlert } from './ProblemAlert'

interface Props {
  title: string
  ok: string
  danger?: boolean
  disabled?: boolean
  busy: boolean
  problem: Problem | undefined
  close: () => void
  submit: () => void
  width?: number
  children: ReactNode
}

/** A dialog that asks for a change; what is refused is told in it, and it stays open. */
export function ChangeDialog(props: Props) {
  const { t } = useTranslation()
  return (
    <Modal
      open
      title={props.title}
      okText={props.ok}
      cancelText={t('cancel')}
      onCancel={props.close}
      onOk={props.submit}
      confirmLoading={props.busy}
      okButtonProps={{ danger: props.danger ?? false, disabled: props.disabled ?? false }}
      width={props.width ?? 560}
      destroyOnHidden
    >
      <ProblemAlert problem={props.problem} />
      {props.children}
    </Modal>
  )
}
