import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'

/** The rows in sight of many that are `height` pixels high; `frame` is what scrolls. Only these exist in the page. */
export function useVirtualRows(count: number, height: number, keyOf: (index: number) => string | undefined) {
  const frame = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => frame.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: index => keyOf(index) ?? index,
  })
  return { frame, virtual }
}
