import { Button, type ButtonProps, Tooltip } from 'antd'
import type { ActionView } from '@/api/generated'

interface Props extends Omit<ButtonProps, 'disabled'> {
  /** What the API says about this action on this object; nothing known: it is not offered. */
  verdict: ActionView | undefined
}

/** A button for an action on an object; where the API does not allow it, it is grey and says why. */
export function ActionButton({ verdict, children, ...button }: Props) {
  if (!verdict) return null
  if (verdict.allowed) return <Button {...button}>{children}</Button>
  const { onClick: _unused, ...rest } = button
  return (
    <Tooltip title={verdict.reason}>
      <Button {...rest} className={`refused ${button.className ?? ''}`} aria-disabled aria-description={verdict.reason}>
        {children}
      </Button>
    </Tooltip>
  )
}
